"""The browsable REST of what the kit holds, for staff: events, subscriptions and deliveries."""
