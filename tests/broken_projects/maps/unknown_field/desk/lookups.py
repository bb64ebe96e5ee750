"""What the desk reads."""

import msgspec

import carveout


class Part(msgspec.Struct):
    name: str
    colour: str


class Box(carveout.Lookup, of="depot.box"):
    """A box, with fields that it does not have."""

    number: str
    weigth: int
    parts: list[Part]


class Shelf(carveout.Lookup, of="depot.shelf"):
    """Nobody offers it."""

    number: str


class Van(carveout.Lookup, of="depott.van"):
    """Misspelt."""

    number: str
