"""Notifications publishes nothing: no other context needs to know that a message was sent."""
