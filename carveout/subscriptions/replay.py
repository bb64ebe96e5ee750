"""Moves cursors, so that a subscription handles events again, or skips some."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from carveout.conf import get_settings
from carveout.conf.time_zones import native
from carveout.errors import CarveoutError
from carveout.eventlog import reader, remote, retention
from carveout.events.event import PartitionRef
from carveout.redis import groups
from carveout.subscriptions import cursors
from carveout.subscriptions.cursors import CursorPosition
from carveout.subscriptions.subscription import Subscription
from carveout.telemetry import batch_traces

COUNTED_MAX = 100_000
"""The events that a subscription handles are counted only among at most this many."""


class ReplayRefused(CarveoutError):
    """A subscription can't continue from there. Nothing was moved."""


@dataclass(frozen=True)
class CursorMove:
    """A cursor, its position, and its new position."""

    ref: PartitionRef
    at: int
    to: int
    handled: int | None = None
    """How many events in between the subscription handles, if known."""

    @property
    def again(self) -> int:
        """How many events are handled again."""
        return max(self.at - self.to, 0)

    @property
    def skipped(self) -> int:
        """How many events are never handled."""
        return max(self.to - self.at, 0)

    def __str__(self) -> str:
        what = f"{self.skipped} never handled" if self.skipped else f"{self.again} handled again"
        handled = "" if self.handled is None else f" ({self.handled} of types that it handles)"
        return f"{self.ref}: from {self.at} to {self.to}, {what}{handled}"


def position_or_time(text: str) -> int | datetime:
    """A position from 1, or a time such as 2026-01-31T12:00. Raises: ValueError: it is neither."""
    if text.isdecimal() and int(text) > 0:
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is neither a position from 1 nor a time.") from None
    return native(moment)


def plan(
    subscription: Subscription,
    start: int | datetime,
    *,
    context: str | None = None,
    partition: int | None = None,
    force: bool = False,
) -> list[CursorMove]:
    """The moves that make `start` the first event to handle. Moves nothing yet.

    context, partition: only there; default: everywhere.
    force: also if the subscription is declared `replayable=False`.

    Raises: ReplayRefused: it can't continue from there. LookupFailed: a log could not be read.
    """
    refs = [
        ref
        for ref in sorted(cursors.partitions([subscription.name], subscription.database))
        if context in (None, ref.context) and partition in (None, ref.number)
    ]
    if not refs:
        raise ReplayRefused(f"{subscription.name} has no cursor there yet. Nothing was done.")
    moves = [_move(subscription, ref, start) for ref in refs]
    if any(move.again for move in moves) and not subscription.replayable and not force:
        raise ReplayRefused(
            f"{subscription.name} is declared replayable=False: its effects would happen again."
            " To replay anyway, force it."
        )
    return moves


def apply(subscription: Subscription, moves: Sequence[CursorMove]) -> None:
    """Move the cursors. Running consumers notice it, also in the middle of a batch.

    Before a move back, it is reported to the owner of the log: events that the owner does not know
    are needed may be pruned, and no consumer may be running to report it.

    Raises: StreamUnavailable: it can't be reported; nothing was moved, call again.
    """
    back = [move for move in moves if move.again]

    def report_again() -> None:  # a consumer may have reported the old positions meanwhile
        _report(subscription, back)

    with transaction.atomic(using=subscription.database):
        for move in moves:
            cursors.move(
                subscription.name, move.ref, CursorPosition(move.to), subscription.database
            )
        _report(subscription, back)
        transaction.on_commit(report_again, using=subscription.database, robust=True)
    for move in back:
        batch_traces.delete(subscription.name, move.ref)


def _report(subscription: Subscription, moves: Sequence[CursorMove]) -> None:
    if not get_settings().uses_redis:
        return
    for move in moves:
        groups.report_cursors(move.ref, {subscription.name: move.to})
        if get_settings().hosts(move.ref.context):
            retention.store_reported_cursors(move.ref)


def position(subscription: Subscription, ref: PartitionRef) -> int:
    """A subscription's position. Raises: ReplayRefused: it has no cursor there."""
    found = cursors.positions([subscription.name], ref, subscription.database)
    if subscription.name not in found:
        raise ReplayRefused(f"{subscription.name} has no cursor on {ref} yet.")
    return found[subscription.name].position


def _move(subscription: Subscription, ref: PartitionRef, start: int | datetime) -> CursorMove:
    at, to = position(subscription, ref), _target(subscription, ref, start)
    return CursorMove(ref, at, to, _handled(subscription, ref, min(at, to), max(at, to)))


def _target(subscription: Subscription, ref: PartitionRef, start: int | datetime) -> int:
    log_range = remote.log_range(subscription.context, ref)
    if isinstance(start, datetime):
        target = remote.position_before(subscription.context, ref, start)
    else:
        target = min(start - 1, log_range.head)
    if target < log_range.first - 1:
        raise ReplayRefused(
            f"{ref}: the log begins at position {log_range.first}; earlier positions"
            f" are pruned. Use {log_range.first} or later."
        )
    return target


def _handled(subscription: Subscription, ref: PartitionRef, after: int, last: int) -> int | None:
    if last - after > COUNTED_MAX or not get_settings().hosts(ref.context):
        return None
    rows = reader.rows_of(*ref).filter(position__gt=after, position__lte=last)
    return rows.filter(type__in=subscription.types).count()
