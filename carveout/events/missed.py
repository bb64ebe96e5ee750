"""Events that a cursor passed before its subscription handled their type, as stored in its row."""

from collections.abc import Iterable
from typing import NamedTuple


class Missed(NamedTuple):
    """Events of one type between two positions, the first not included."""

    type: str
    after: int
    last: int

    def __str__(self) -> str:
        return f"{self.type}={self.after}-{self.last}"


def read(text: str) -> list[Missed]:
    """Parse the format of `write`."""
    found = []
    for each in text.split():
        type_, _, span = each.partition("=")
        after, _, last = span.partition("-")
        found.append(Missed(type_, int(after), int(last)))
    return found


def write(missed: Iterable[Missed]) -> str:
    """Words of the form `orders.OrderPaid=0-120`. Empty ranges are left out."""
    return " ".join(str(each) for each in missed if each.after < each.last)


def up_to(missed: Iterable[Missed], position: int) -> list[Missed]:
    """What stays missed when a cursor continues from a position: later events are handled."""
    return [each._replace(last=min(each.last, position)) for each in missed]
