"""Event sourcing: events are the record of orders, and each context makes of them what it needs."""
