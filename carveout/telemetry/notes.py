"""Collects a handler's notes about its work, and the times of its lookups."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import msgspec

from carveout.events.event import current_event
from carveout.runtime.storable_text import storable

TEXT_MAX = 200
NOTES_MAX = 100
"""Most notes of one batch; further notes are dropped."""


class LookupCall(msgspec.Struct, frozen=True):
    """One request of a lookup."""

    of: str
    keys: int
    took_ms: float
    failed: bool = False
    began: float = 0.0
    """Seconds since 1970; 0: recorded by a release that did not store it."""


class Note(msgspec.Struct, frozen=True):
    """A handler's note about a position, or 0 for its whole batch."""

    text: str
    position: int = 0


class RunNotes(msgspec.Struct):
    """The lookups and notes of one run of a handler.

    declined: positions of the events that the subscription's `when` did not want.
    """

    lookups: list[LookupCall] = []
    notes: list[Note] = []
    declined: set[int] = set()


_into: ContextVar[RunNotes | None] = ContextVar("carveout_gathered", default=None)


def annotate(text: str) -> None:
    """Add a note to the story of the event that is being handled: `annotate("receipt sent")`.

    Others read the story later, so include nothing that identifies a person: no name, no address.
    At most 200 characters. It is a hint, not a record: it is dropped if the handler's work is
    rolled back, and may get lost with Redis. Outside a handler it does nothing.
    """
    run_notes = _into.get()
    if run_notes is not None and len(run_notes.notes) < NOTES_MAX:
        event = current_event.get()
        run_notes.notes.append(Note(storable(text, TEXT_MAX), event.position if event else 0))


def record_lookup(of: str, keys: int, took_s: float, *, failed: bool) -> None:
    """Record a request that the current handler waited for."""
    run_notes = _into.get()
    if run_notes is not None:
        began = round(time.time() - took_s, 3)
        run_notes.lookups.append(LookupCall(of, keys, round(took_s * 1000, 1), failed, began))


@contextmanager
def collecting(into: RunNotes, *, undone: bool = True) -> Iterator[None]:
    """Collect notes and lookups inside the block.

    undone: if the block fails, its work is rolled back, and its notes are dropped.
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
