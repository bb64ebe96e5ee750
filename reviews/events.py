"""Reviews announces nothing yet."""
