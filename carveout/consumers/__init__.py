"""Consumers: they read events and run handlers."""
