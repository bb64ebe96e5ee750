"""Fields of types that JSON can't carry."""

from typing import Annotated

import msgspec

import carveout
from desk.models import Ticket


class TicketOpened(carveout.Event, key="number"):
    """The model in the place of its key."""

    number: str
    ticket: Ticket
    anything: object
    short: Annotated[str, msgspec.Meta(max_length=3)]


class TicketClosed(carveout.Event, key="number"):
    """A model in a list, and a union that is not decidable."""

    number: str
    others: list[Ticket]
    either: int | Ticket
