"""Event notification: the event says what happened, and its handler asks for the rest."""
