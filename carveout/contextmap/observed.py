"""What is seen at run time: who hears what, how far behind they are, and which lookups are asked.

Out of tallies, streams and the databases of the contexts that are hosted here. It is as old as the
last look; what could not be looked at is named.
"""

import time
from collections.abc import Mapping

import msgspec

from carveout import stream, tally
from carveout.conf import get_settings
from carveout.contextmap.stored import Stored, look
from carveout.contracts import deployed
from carveout.errors import StreamUnavailable
from carveout.event import Place
from carveout.refusal import answering
from carveout.stream import Watched
from carveout.tally import Tally


class SeenSubscription(msgspec.Struct, kw_only=True):
    """Times are in seconds since 1970; 0 if it is not known."""

    heard: int = 0
    heard_at: float = 0.0
    failed: int = 0
    failed_at: float = 0.0
    lag: int | None = None
    """Events that its cursors have not passed; None if no cursor is known."""
    waiting: int = 0
    """Deliveries that are not done: to be tried again, or handed to a job."""
    dead: int = 0
    types: dict[str, Tally] = {}
    """What it heard, by event type."""
    failures: dict[str, Tally] = {}
    """Attempts that failed, by event type."""


class SeenLookup(msgspec.Struct, kw_only=True):
    """Requests of one context for one lookup of another."""

    requests: int = 0
    failed: int = 0
    failed_at: float = 0.0
    mean_ms: float = 0.0
    asked_at: float = 0.0


class Observed(msgspec.Struct, kw_only=True):
    """Counts are since Redis was last emptied."""

    at: float
    subscriptions: dict[str, SeenSubscription] = {}
    lookups: dict[str, SeenLookup] = {}
    """By "reader's-context lookup"."""
    events: dict[str, Tally] = {}
    """How many of a type came into the log, and when the last one did."""
    causes: dict[str, dict[str, int]] = {}
    """How often handlers of an event published one of another type."""
    heads: dict[str, int] = {}
    """The last position of each context's log, over its partitions."""
    traces: dict[str, set[str]] = {}
    """The contexts whose events a subscription has a cursor or a group for."""
    since: dict[str, float] = {}
    """When running deployments first told of a subscription."""
    unread: list[str] = []
    """What could not be looked at, and why."""


def observe() -> Observed:
    """Look at everything once. What does not answer is left out, and named."""
    seen = Observed(at=time.time())
    watched: dict[Place, Watched] = {}
    found = look(seen.unread)
    if get_settings().uses_redis:
        try:
            with answering():
                _note_tallies(seen)
                seen.since = deployed.since()
                watched = stream.watch(_places(found))
        except StreamUnavailable as error:
            seen.unread.append(str(error))
    _note_places(seen, found, watched)
    for name, (waiting, dead) in found.deliveries.items():
        _of(seen, name).waiting, _of(seen, name).dead = waiting, dead
    return seen


def _places(found: Stored) -> set[Place]:
    return get_settings().places | found.heads.keys() | {place for _, place in found.cursors}


def _of(seen: Observed, name: str) -> SeenSubscription:
    return seen.subscriptions.setdefault(name, SeenSubscription())


def _note_tallies(seen: Observed) -> None:
    for name, heard in tally.of_kind("heard").items():
        subscription, _, type_name = name.partition(" ")
        each = _of(seen, subscription)
        each.types[type_name] = heard
        each.heard += heard.count
        each.heard_at = max(each.heard_at, heard.last)
    for name, failed in tally.of_kind("failed").items():
        subscription, _, type_name = name.partition(" ")
        each = _of(seen, subscription)
        each.failures[type_name] = failed
        each.failed += failed.count
        each.failed_at = max(each.failed_at, failed.last)
    seen.events = tally.of_kind("logged")
    for name, caused in tally.of_kind("caused").items():
        cause, _, effect = name.partition(" ")
        seen.causes.setdefault(cause, {})[effect] = caused.count
    seen.lookups = _lookups(*map(tally.of_kind, ("lookups", "lookups_failed", "lookups_us")))


def _lookups(
    requests: Mapping[str, Tally], failed: Mapping[str, Tally], took_us: Mapping[str, Tally]
) -> dict[str, SeenLookup]:
    none = Tally(0, 0)
    return {
        name: SeenLookup(
            requests=asked.count,
            failed=failed.get(name, none).count,
            failed_at=failed.get(name, none).last,
            mean_ms=round(took_us.get(name, none).count / asked.count / 1000, 2),
            asked_at=asked.last,
        )
        for name, asked in requests.items()
    }


def _note_places(seen: Observed, found: Stored, watched: Mapping[Place, Watched]) -> None:
    """Cursors are better than the groups that mirror them, and heads than the ends of streams."""
    ends = {place: each.last for place, each in watched.items()} | found.heads
    for (context, _), last in ends.items():
        seen.heads[context] = seen.heads.get(context, 0) + last
    mirrored = {
        (name, place): position
        for place, each in watched.items()
        for name, position in each.groups.items()
    }
    for (name, place), position in (found.reported | mirrored | found.cursors).items():
        each = _of(seen, name)
        each.lag = (each.lag or 0) + max(ends.get(place, 0) - position, 0)
        seen.traces.setdefault(name, set()).add(place[0])
