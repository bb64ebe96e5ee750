"""Not a context: the table in which a hand-written consumer notes what it has handled."""
