"""What desk reads of tickets."""

from decimal import Decimal

import msgspec

import carveout


class Seat(msgspec.Struct):
    """Where somebody sits."""

    row: str
    place: int


class TicketToShow(carveout.Lookup, of="tickets.ticket"):
    """Two fields of a ticket."""

    number: str
    title: str


class TicketToBill(carveout.Lookup, of="tickets.ticket"):
    """Other fields of it, one of them nested."""

    price: Decimal
    seat: Seat


class TicketAsGuessed(carveout.Lookup, of="tickets.ticket"):
    """A field that the owner does not offer."""

    number: str
    colour: str


class TicketMistyped(carveout.Lookup, of="tickets.ticket"):
    """A field of another type than the owner's."""

    title: int
