"""What tickets announces."""

import carveout


class TicketSold(carveout.Event, key="number"):
    """A ticket was sold."""

    number: str


class TicketMoved(carveout.Event, key="number"):
    """A ticket got another seat."""

    number: str
    seat: int


class TicketReturned(carveout.Event, key="number"):
    """A ticket was given back."""

    number: str
