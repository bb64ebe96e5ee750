"""What to do about each kind of coupling, and what it costs."""
