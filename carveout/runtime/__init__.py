"""Processes, signals, ports and databases, without anything about events."""
