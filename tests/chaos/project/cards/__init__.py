"""The context whose table announces itself, and of which the audit keeps a copy."""
