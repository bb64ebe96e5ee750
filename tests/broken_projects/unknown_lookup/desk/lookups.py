"""Readers of a lookup and of a context that do not exist."""

import carveout


class Ticket(carveout.Lookup, of="desk.ticket"):
    """Nobody offers it."""

    number: str


class Box(carveout.Lookup, of="depott.box"):
    """Misspelt."""

    number: str
