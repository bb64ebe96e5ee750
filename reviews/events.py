"""Reviews publishes nothing yet."""
