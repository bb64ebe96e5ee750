"""Replaces calls by events while the system runs: `seam`, `switch`, `share`, `unhandled`."""
