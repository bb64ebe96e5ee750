"""Measurements: each prints a ratio against a baseline that ran in turns with it."""
