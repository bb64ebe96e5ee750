"""Counters, traces, logs and spans of what happens at run time."""
