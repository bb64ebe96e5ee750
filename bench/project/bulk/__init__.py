"""A context that hears events in batches."""
