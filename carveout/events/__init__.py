"""Event types, their wire format and their versions."""
