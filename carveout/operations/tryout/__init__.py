"""Runs two versions of a handler over the events of the log, and compares what they do."""
