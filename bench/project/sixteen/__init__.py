"""A context with sixteen subscriptions to each event."""
