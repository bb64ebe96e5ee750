"""Observes what runs: which subscription handles what, its lag, and which lookups are used.

It reads counters, streams and the databases of the contexts hosted here. It is as old as the last
reading; what could not be read is listed.
"""

import time
from collections import defaultdict
from collections.abc import Mapping

import msgspec
from django.db import Error as DatabaseError

from carveout.conf import get_settings
from carveout.contracts import deployed
from carveout.errors import StreamUnavailable
from carveout.events.event import PartitionRef
from carveout.models import Delivery
from carveout.operations.age import age_s
from carveout.operations.contextmap.stored import Stored, parked, read_databases
from carveout.redis import groups
from carveout.redis.groups import GroupPositions
from carveout.redis.refusals import answering
from carveout.subscriptions import status
from carveout.subscriptions.status import SubscriptionStatus, events_behind
from carveout.telemetry import counters
from carveout.telemetry.counters import Count

STATES = (Delivery.State.WAITING, Delivery.State.QUEUED, Delivery.State.DEAD)


class Late(msgspec.Struct, kw_only=True):
    """Events of one publisher that have waited too long for a subscription."""

    events: int = 0
    oldest_s: float = 0.0
    """How long the first of them has waited."""


class ObservedSubscription(msgspec.Struct, kw_only=True):
    """Times are in seconds since 1970; 0 if not known.

    What follows `lag` is known of the subscriptions hosted here only.
    """

    heard: int = 0
    heard_at: float = 0.0
    failed: int = 0
    failed_at: float = 0.0
    lag: int | None = None
    """Events that its cursors have not passed; None if it has none, or a stream is lost."""
    waiting: int = 0
    """Deliveries that failed and wait for their next attempt."""
    queued: int = 0
    """Deliveries that were handed to a job."""
    dead: int = 0
    parked: dict[str, dict[str, int]] = {}
    """Deliveries that wait or are dead: by event type, how many of each state.

    Those whose type is not known are under "publisher.".
    """
    late: dict[str, Late] = {}
    """By publisher."""
    paused: str = ""
    """Who paused it, and why."""
    publishers: list[str] = []
    """The contexts whose events it handles."""
    stopped: list[str] = []
    """Its partitions that have stopped, such as "orders.0"."""
    types: dict[str, Count] = {}
    """What it handled, by event type."""
    failures: dict[str, Count] = {}
    """Attempts that failed, by event type."""


class ObservedLookup(msgspec.Struct, kw_only=True):
    """Requests of one context for one lookup of another."""

    requests: int = 0
    failed: int = 0
    failed_at: float = 0.0
    mean_ms: float = 0.0
    asked_at: float = 0.0


class Observed(msgspec.Struct, kw_only=True):
    """Counts begin when Redis was last emptied."""

    at: float
    subscriptions: dict[str, ObservedSubscription] = {}
    lookups: dict[str, ObservedLookup] = {}
    """By "reader's-context lookup"."""
    events: dict[str, Count] = {}
    """How many events of each type were logged, and when the last one was."""
    causes: dict[str, dict[str, int]] = {}
    """How often handlers of an event published one of another type."""
    heads: dict[str, int] = {}
    """The last position of each context's log, over its partitions."""
    traces: dict[str, set[str]] = {}
    """The contexts whose events a subscription has a cursor or a group for."""
    since: dict[str, float] = {}
    """When running deployments first announced a subscription."""
    unread: list[str] = []
    """What could not be read, and why."""


def observe() -> Observed:
    """Read everything once. What does not answer is left out, and listed in `unread`."""
    seen = Observed(at=time.time())
    watched: dict[PartitionRef, GroupPositions] = {}
    found = read_databases(seen.unread)
    if get_settings().uses_redis:
        try:
            with answering():
                _note_counts(seen)
                seen.since = deployed.announced_since()
                watched = groups.group_positions(_partitions(found))
        except StreamUnavailable as error:
            seen.unread.append(str(error))
    _note_partitions(seen, found, watched)
    try:
        _note_statuses(seen)
    except DatabaseError as error:
        seen.unread.append(f"what is wrong with subscriptions can't be read: {error}")
    return seen


def _partitions(found: Stored) -> set[PartitionRef]:
    return (
        {PartitionRef(*each) for each in get_settings().configured_partitions}
        | found.heads.keys()
        | {ref for _, ref in found.cursors}
    )


def _of(seen: Observed, name: str) -> ObservedSubscription:
    return seen.subscriptions.setdefault(name, ObservedSubscription())


def _note_counts(seen: Observed) -> None:
    for name, handled in counters.read("heard").items():
        subscription, _, type_name = name.partition(" ")
        each = _of(seen, subscription)
        each.types[type_name] = handled
        each.heard += handled.count
        each.heard_at = max(each.heard_at, handled.last)
    for name, failed in counters.read("failed").items():
        subscription, _, type_name = name.partition(" ")
        each = _of(seen, subscription)
        each.failures[type_name] = failed
        each.failed += failed.count
        each.failed_at = max(each.failed_at, failed.last)
    seen.events = counters.read("logged")
    for name, caused in counters.read("caused").items():
        cause, _, effect = name.partition(" ")
        seen.causes.setdefault(cause, {})[effect] = caused.count
    seen.lookups = _lookups(*map(counters.read, ("lookups", "lookups_failed", "lookups_us")))


def _lookups(
    requests: Mapping[str, Count], failed: Mapping[str, Count], took_us: Mapping[str, Count]
) -> dict[str, ObservedLookup]:
    none = Count(0, 0)
    return {
        name: ObservedLookup(
            requests=asked.count,
            failed=failed.get(name, none).count,
            failed_at=failed.get(name, none).last,
            mean_ms=round(took_us.get(name, none).count / asked.count / 1000, 2),
            asked_at=asked.last,
        )
        for name, asked in requests.items()
    }


def _note_partitions(
    seen: Observed, found: Stored, watched: Mapping[PartitionRef, GroupPositions]
) -> None:
    """Prefers cursors to the groups that mirror them, and heads to the ends of streams."""
    ends = {ref: each.last for ref, each in watched.items()} | found.heads
    for (context, _), last in ends.items():
        seen.heads[context] = seen.heads.get(context, 0) + last
    mirrored = {
        (name, ref): position
        for ref, each in watched.items()
        for name, position in each.groups.items()
    }
    lags: dict[str, list[int | None]] = defaultdict(list)
    for (name, ref), position in (found.reported | mirrored | found.cursors).items():
        lost = ref not in found.heads and ends.get(ref, 0) < position
        lags[name].append(None if lost else events_behind(position, ends.get(ref, 0)))
        seen.traces.setdefault(name, set()).add(ref.context)
    for name, each in lags.items():
        _of(seen, name).lag = None if None in each else sum(filter(None, each))


def _note_statuses(seen: Observed) -> None:
    """Those that the admin, REST and the doctor show too."""
    parks: dict[str, list[str]] = defaultdict(list)
    for each in status.statuses(get_settings().hosted):
        if not each.started and not each.deliveries:
            continue
        name, counts = each.subscription.name, each.deliveries
        ours = _of(seen, name)
        ours.waiting, ours.queued, ours.dead = (counts.get(state, 0) for state in STATES)
        ours.late = _late(each)
        ours.stopped = [str(partition.ref) for partition in each.stopped]
        ours.publishers = sorted(each.subscription.source_contexts)
        if each.pause:
            ours.paused = f"{each.pause.by}: {each.pause.why}"
        if ours.waiting or ours.dead:
            parks[each.subscription.database].append(name)
    for database, names in parks.items():
        for name, type_name, state, count in parked(database, names):
            by_state = _of(seen, name).parked.setdefault(type_name, {})
            by_state[state] = by_state.get(state, 0) + count


def _late(each: SubscriptionStatus) -> dict[str, Late]:
    found: dict[str, Late] = defaultdict(Late)
    for partition in each.late:
        here = found[partition.ref.context]
        here.events += partition.lag or 0
        here.oldest_s = max(here.oldest_s, age_s(partition.oldest))
    return dict(found)
