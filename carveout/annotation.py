"""Annotations: what a handler says about its work, and how long its lookups took."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import msgspec

from carveout.event import cause
from carveout.storable import storable

TEXT_MAX = 200
NOTES_MAX = 100
"""Of one batch; a handler that says more is cut short."""


class LookedUp(msgspec.Struct, frozen=True):
    """One request of a lookup."""

    of: str
    keys: int
    took_ms: float
    failed: bool = False


class Note(msgspec.Struct, frozen=True):
    """What a handler said; of which position, or 0 if of its whole batch."""

    text: str
    position: int = 0


class Gathered(msgspec.Struct):
    """What one run of a handler left to tell."""

    lookups: list[LookedUp] = []
    notes: list[Note] = []


_into: ContextVar[Gathered | None] = ContextVar("carveout_gathered", default=None)


def annotate(text: str) -> None:
    """Leave a note in the story of the event that is being handled: `annotate("receipt sent")`.

    For whoever reads the story later, so nothing that identifies a person: no name, no address. At
    most 200 characters. It is a hint and no record: it goes when what the handler did is rolled
    back, and may get lost with Redis. Outside a handler it does nothing.
    """
    gathered = _into.get()
    if gathered is not None and len(gathered.notes) < NOTES_MAX:
        event = cause.get()
        gathered.notes.append(Note(storable(text, TEXT_MAX), event.position if event else 0))


def looked_up(of: str, keys: int, took_s: float, *, failed: bool) -> None:
    """Note a request that the handler of this moment waited for."""
    gathered = _into.get()
    if gathered is not None:
        gathered.lookups.append(LookedUp(of, keys, round(took_s * 1000, 1), failed))


@contextmanager
def gathering(into: Gathered, *, undone: bool = True) -> Iterator[None]:
    """Gather what is left to tell inside the block.

    undone: if the block fails, what it did is rolled back, and its notes go with that.
    """
    token, before = _into.set(into), len(into.notes)
    try:
        yield
    except BaseException:
        if undone:
            del into.notes[before:]
        raise
    finally:
        _into.reset(token)
