"""A context with four subscriptions to each event."""
