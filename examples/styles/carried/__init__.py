"""Event-carried state transfer: the same handler, told by events that carry the order."""
