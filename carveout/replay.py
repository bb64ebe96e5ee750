"""Replays: cursors are moved, so that a subscription handles events again, or skips some."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from carveout import cursor, history, log, retention, stream, trace
from carveout.conf import get_settings
from carveout.cursor import At
from carveout.errors import CarveoutError
from carveout.event import Place
from carveout.moment import native
from carveout.subscription import Subscription

COUNTED_MAX = 100_000
"""Of so many events at most it is counted which ones the subscription hears."""


class ReplayRefused(CarveoutError):
    """A subscription can't go on from there; nothing was moved."""


@dataclass(frozen=True)
class Move:
    """A cursor, where it is, and where it is to go."""

    place: Place
    at: int
    to: int
    heard: int | None = None
    """How many of the events between the subscription hears, if that is known."""

    @property
    def again(self) -> int:
        """How many events come once more."""
        return max(self.at - self.to, 0)

    @property
    def skipped(self) -> int:
        """How many events never come."""
        return max(self.to - self.at, 0)

    def __str__(self) -> str:
        what = f"{self.skipped} never handled" if self.skipped else f"{self.again} handled again"
        heard = "" if self.heard is None else f" ({self.heard} of types that it hears)"
        return f"{self.place[0]}.{self.place[1]}: from {self.at} to {self.to}, {what}{heard}"


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
) -> list[Move]:
    """What has to move so that `start` is the first event to handle. Nothing is moved yet.

    context, partition: only there; default: everywhere.
    force: also if the subscription is declared `replayable=False`.

    Raises: ReplayRefused: it can't go on from there. LookupFailed: a log could not be asked.
    """
    places = [
        place
        for place in sorted(cursor.places([subscription.name], subscription.database))
        if context in (None, place[0]) and partition in (None, place[1])
    ]
    if not places:
        raise ReplayRefused(f"{subscription.name} has no cursor there yet. Nothing was done.")
    moves = [_move(subscription, place, start) for place in places]
    if any(move.again for move in moves) and not subscription.replayable and not force:
        raise ReplayRefused(
            f"{subscription.name} is declared replayable=False: its effects would happen again."
            " Force it if that is what you want."
        )
    return moves


def carry_out(subscription: Subscription, moves: Sequence[Move]) -> None:
    """Move the cursors. Running consumers take notice, in the middle of a batch too.

    Where events come once more the owner of the log is told before that is true: what it does not
    know of may be pruned, and no consumer need run that would tell it.

    Raises: StreamUnavailable: the owner can't be told; nothing was moved, call again.
    """
    back = [move for move in moves if move.again]

    def tell_again() -> None:  # a consumer may have reported the old positions meanwhile
        _report(subscription, back)

    with transaction.atomic(using=subscription.database):
        for move in moves:
            cursor.move(subscription.name, move.place, At(move.to), subscription.database)
        _report(subscription, back)
        transaction.on_commit(tell_again, using=subscription.database, robust=True)
    for move in back:
        trace.forget(subscription.name, move.place)


def _report(subscription: Subscription, moves: Sequence[Move]) -> None:
    if not get_settings().uses_redis:
        return
    for move in moves:
        stream.report(move.place, {subscription.name: move.to})
        if get_settings().hosts(move.place[0]):
            retention.note_reports(move.place)


def position(subscription: Subscription, place: Place) -> int:
    """Where a subscription stands. Raises: ReplayRefused: it has no cursor there."""
    found = cursor.positions([subscription.name], place, subscription.database)
    if subscription.name not in found:
        raise ReplayRefused(f"{subscription.name} has no cursor on {place[0]}.{place[1]} yet.")
    return found[subscription.name].position


def _move(subscription: Subscription, place: Place, start: int | datetime) -> Move:
    at, to = position(subscription, place), _target(subscription, place, start)
    return Move(place, at, to, _heard(subscription, place, min(at, to), max(at, to)))


def _target(subscription: Subscription, place: Place, start: int | datetime) -> int:
    extent = history.extent(subscription.context, place)
    if isinstance(start, datetime):
        target = history.position_before(subscription.context, place, start)
    else:
        target = min(start - 1, extent.head)
    if target < extent.first - 1:
        raise ReplayRefused(
            f"{place[0]}.{place[1]}: the log begins at position {extent.first}; what is before is"
            f" pruned. Say {extent.first} or later."
        )
    return target


def _heard(subscription: Subscription, place: Place, after: int, last: int) -> int | None:
    if last - after > COUNTED_MAX or not get_settings().hosts(place[0]):
        return None
    rows = log.rows_of(*place).filter(position__gt=after, position__lte=last)
    return rows.filter(type__in=subscription.types).count()
