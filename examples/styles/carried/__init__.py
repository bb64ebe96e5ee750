"""Event-carried state transfer: the same handler, for events that carry the order."""
