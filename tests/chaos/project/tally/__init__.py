"""The context that only counts what it hears, so that a million events take minutes."""
