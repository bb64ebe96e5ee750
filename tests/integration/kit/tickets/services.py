"""Selling tickets."""

from collections.abc import Iterable

from django.db import transaction

import carveout
from tests.integration.kit.tickets.events import TicketMoved, TicketReturned, TicketSold
from tests.integration.kit.tickets.models import Ticket


def sell(*numbers: str) -> None:
    """Store tickets and announce them, each in a transaction of its own."""
    for number in numbers:
        with transaction.atomic(using="kit"):
            Ticket.objects.using("kit").create(number=number, title=f"Concert {number}")
            carveout.publish(TicketSold(number=number))


def announce(events: Iterable[carveout.Event]) -> None:
    """Publish events in one transaction; nothing else changes."""
    with transaction.atomic(using="kit"):
        for event in events:
            carveout.publish(event)


def sold(count: int, prefix: str = "T") -> list[carveout.Event]:
    return [TicketSold(number=f"{prefix}-{number}") for number in range(1, count + 1)]


def moves(number: str, count: int) -> list[carveout.Event]:
    """Events of one key, numbered by seat."""
    return [TicketMoved(number=number, seat=seat) for seat in range(1, count + 1)]


def returned(number: str) -> carveout.Event:
    return TicketReturned(number=number)
