"""Runs a call for real, records what it does, and publishes its event for comparison only."""

import json
import logging
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.db import connections, transaction
from django.utils import timezone

from carveout.eventlog.publish import store
from carveout.events.event import Event, key_of
from carveout.models import RecordedCall
from carveout.seams.effects import coverage, elsewhere, reads, row_images
from carveout.seams.effects.effects import Outside
from carveout.seams.effects.outside import watch
from carveout.seams.effects.reads import Reads
from carveout.seams.share import in_share
from carveout.seams.switch import SeamState, database_of

logger = logging.getLogger(__name__)

MARK = "shadow:"
"""Before the seam's name in its event, so that only what compares handles it."""

_watched: ContextVar[bool] = ContextVar("carveout_watched", default=False)


def is_watched() -> bool:
    """Whether the effects of the current code are recorded already."""
    return _watched.get()


@contextmanager
def watched() -> Iterator[None]:
    """Inside the block, seams in the mode `shadow` only run their calls: they are part of it."""
    token = _watched.set(True)
    try:
        yield
    finally:
        _watched.reset(token)


@dataclass
class _Call:
    """A call that is recorded."""

    seam: str
    version: int
    event: Event | None
    """None: it can't be made."""
    database: str
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    done: list[Outside] = field(default_factory=list)
    """What the call did outside the database; then each of its on_commit hooks."""
    reads: Reads = field(default_factory=dict)
    began_at: datetime = field(default_factory=timezone.now)


def run(
    seam: str, state: SeamState, call: Callable[[], object], event: Callable[[], Event]
) -> None:
    """Run a call, and publish its event, to be compared with it. Only the call can fail.

    Raises: whatever the call raises. Then nothing is compared.
    """
    done = Outside()
    made = _made(seam, event, done)
    if made and not in_share(seam, key_of(made), state.share):
        call()
        return
    ours = _Call(seam, state.version, made, database_of(seam), done=[done])
    before, began = len(connections[ours.database].run_on_commit), time.monotonic()
    try:
        with _recorded(ours):
            call()
    except BaseException:
        _forget(ours)
        raise
    took_ms = (time.monotonic() - began) * 1000
    _store(ours, took_ms, waits=_record_hooks(ours, before))


def _made(seam: str, event: Callable[[], Event], done: Outside) -> Event | None:
    try:
        return event()
    except Exception as error:
        logger.exception("Seam %s: its event can't be made", seam)
        done.unrecordable.append(f"its event can't be made: {error!r}")
        return None


@contextmanager
def _recorded(ours: _Call) -> Iterator[None]:
    """Record what happens inside the block. If that does not work, say so; the block still runs."""
    done = Outside()
    ours.done.append(done)
    with ExitStack() as stack:
        stack.enter_context(watched())
        try:
            done.unrecordable += coverage.problems(ours.database)
            problems = stack.enter_context(row_images.recording(ours.database, ours.token))
            ours.done.append(Outside(unrecordable=problems))  # filled at its end
            stack.enter_context(elsewhere.noted(ours.database, done))
            stack.enter_context(reads.noted(ours.database, ours.reads))
            ours.done.append(stack.enter_context(watch.recorded()))
        except Exception as error:
            logger.warning("Seam %s: its call can't be recorded: %r", ours.seam, error)
            done.unrecordable.append(f"the recording did not begin: {error!r}")
        yield


def _record_hooks(ours: _Call, first: int) -> bool:
    """Record the on_commit hooks that the call registered, when they run.

    Returns: whether there are any.
    """
    hooks: list[Any] = connections[ours.database].run_on_commit
    for index in range(first, len(hooks)):
        savepoints, function, robust = hooks[index]
        hooks[index] = (savepoints, _recording_hook(ours, function), robust)
    return len(hooks) > first


def _recording_hook(ours: _Call, function: Callable[[], object]) -> Callable[[], None]:
    def hook() -> None:  # not a partial: Django logs the function's name if it fails
        with _recorded(ours):
            function()

    return hook


def _store(ours: _Call, took_ms: float, *, waits: bool) -> None:
    """Store the event and the recording. The call is done: an error here is only logged."""
    try:
        with transaction.atomic(using=ours.database):
            published = store([ours.event], seam=MARK + ours.seam) if ours.event else [None]
            RecordedCall.objects.using(ours.database).create(
                token=ours.token,
                seam=ours.seam,
                version=ours.version,
                event_id=published[0],
                key=key_of(ours.event) if ours.event else "",
                began_at=ours.began_at,
                took_ms=took_ms,
                outside=_written(ours.done),
                reads=json.dumps(ours.reads),
                open=waits,
            )
            if waits:
                ended = _ended(ours)
                transaction.on_commit(ended, using=ours.database, robust=True)
    except Exception:  # whatever it is, customers must not notice that somebody compares
        logger.exception("Seam %s: its call is not compared with its event", ours.seam)


def _ended(ours: _Call) -> Callable[[], None]:
    def hooks_ended() -> None:
        rows = RecordedCall.objects.using(ours.database).filter(token=ours.token)
        rows.update(open=False, outside=_written(ours.done), ended_at=timezone.now())

    return hooks_ended


def _written(done: list[Outside]) -> str:
    whole = Outside()
    for each in done:
        whole.add(each)
    return json.dumps(asdict(whole))


def _forget(ours: _Call) -> None:
    """Remove the rows of a call that failed, if its transaction goes on."""
    connection = connections[ours.database]
    if connection.needs_rollback or connection.closed_in_transaction:
        return
    with suppress(Exception), transaction.atomic(using=ours.database):
        row_images.forget(ours.database, ours.token)
