"""Deliveries: events that a subscription handles later, and their attempts."""
