"""The browsable REST API for staff: events, subscriptions and deliveries."""
