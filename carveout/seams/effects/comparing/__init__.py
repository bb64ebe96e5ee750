"""Compares the effects of a call with those of its event."""
