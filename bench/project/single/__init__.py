"""A context that hears one event at a time."""
