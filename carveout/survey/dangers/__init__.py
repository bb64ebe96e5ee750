"""Dangers: what makes carving go wrong where it stands, whatever is carved."""
