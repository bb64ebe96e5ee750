"""A context that looks up the order of each event."""
