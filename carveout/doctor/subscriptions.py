"""Subscriptions of a hosted context: how far behind they are, and whether consumers run."""

from collections.abc import Iterator, Mapping
from itertools import chain

from carveout import hearing, history, lease, source, stream, subscription, unheard
from carveout.conf import get_settings
from carveout.cursor import BEGINNING, At
from carveout.doctor.finding import Finding, age_s, count, error, ok, warning
from carveout.errors import (
    HistoryGone,
    LogMismatch,
    LookupFailed,
    SettingsInvalid,
    StreamUnavailable,
)
from carveout.event import Place
from carveout.models import Cursor, Delivery, Partition, ReportedCursor
from carveout.subscription import Subscription

LATE_S = 60

Heads = Mapping[int, int]
"""The last position of each partition."""


def look(context: str) -> Iterator[Finding]:
    """Each subscription on each log that it hears."""
    hearing = subscription.hosted([context])
    for owner in sorted({owner for each in hearing for owner in each.sources}):
        ours = [each for each in hearing if owner in each.sources]
        cursors = {each.name: _cursors(each, owner) for each in ours}
        try:  # after the cursors: meanwhile both move on, and none is ahead of its log
            heads = _heads(context, owner)
        except (LookupFailed, SettingsInvalid) as away:
            yield warning(
                f"Log of {owner}",
                f"{context} can't ask for it ({away}); the lag is read off its streams",
                f"see that {owner} runs, and that its url is right",
            )
            yield from _by_streams(owner, ours)
            continue
        for each in ours:
            yield from _look_at(each, owner, cursors[each.name], heads)


def look_for_consumers(context: str) -> Iterator[Finding]:
    """Do consumers run, where something waits for them?"""
    if not subscription.hosted([context]):
        return
    what, members = f"Consumers of {context}", lease.members(context)
    if members:
        yield ok(what, f"{members} running")
    elif _waits(context):
        yield error(what, "none runs, and events wait", f"run `manage.py consume {context}`")
    else:
        yield ok(what, "none runs, and nothing waits")


def look_for_undeclared(database: str) -> Iterator[Finding]:
    """What a database still keeps for subscriptions that are no longer in the code."""
    cursors = [each.objects.using(database) for each in (Cursor, ReportedCursor)]
    names = set(chain(*(rows.values_list("subscription", flat=True) for rows in cursors)))
    for name in sorted(names):
        if _gone(name):
            found = "is no longer declared; its cursors keep the log from being pruned"
            yield warning(
                f"Subscription {name}",
                found,
                f"`manage.py forget {name}`; if it was renamed, `manage.py rename {name} NEW`",
            )
    rows = Delivery.objects.using(database).order_by("subscription")
    for name in rows.values_list("subscription", flat=True).distinct():
        if _gone(name):
            found = "is no longer declared, and has deliveries that nobody will try"
            mend = f"`manage.py deliveries discard --subscription {name}`"
            yield warning(f"Subscription {name}", found, mend)


def _gone(name: str) -> bool:
    """What is declared elsewhere is not known here."""
    settings, context = get_settings(), name.split(".")[0]
    elsewhere = context in settings.contexts and not settings.hosts(context)
    return name not in subscription.registry and not elsewhere


def _heads(subscriber: str, owner: str) -> Heads:
    """Raises: LookupFailed, SettingsInvalid: the log lives elsewhere and can't be asked."""
    settings = get_settings()
    if settings.hosts(owner):
        rows = Partition.objects.using(settings.database_of(owner)).filter(context=owner)
        return dict(rows.values_list("number", "head"))
    count = history.partitions(subscriber, owner)
    return {each: history.extent(subscriber, (owner, each)).head for each in range(count)}


def _cursors(each: Subscription, owner: str) -> dict[int, At]:
    rows = Cursor.objects.using(each.database).filter(subscription=each.name, context=owner)
    return {
        number: At(position, event_id, paused_at is not None)
        for number, position, event_id, paused_at in rows.values_list(
            "partition", "position", "event_id", "paused_at"
        )
    }


def _lag(cursors: Mapping[int, At], heads: Heads) -> dict[int, int]:
    """How many events wait, by partition, where any do."""
    behind = {each: head - cursors.get(each, BEGINNING).position for each, head in heads.items()}
    return {each: count for each, count in behind.items() if count > 0}


def _by_streams(owner: str, hearing: list[Subscription]) -> Iterator[Finding]:
    places = [(owner, number) for number in range(get_settings().contexts[owner].partitions)]
    try:
        ends = {place[1]: stream.last_position(place) for place in places}
    except StreamUnavailable as away:
        yield warning(f"Streams of {owner}", f"can't be read ({away})", "see Redis")
        return
    for each in hearing:
        lag = sum(_lag(_cursors(each, owner), ends).values())
        yield ok(_name(each, owner), f"{count(lag, 'event')} behind the streams")


def _look_at(
    each: Subscription, owner: str, cursors: Mapping[int, At], heads: Heads
) -> Iterator[Finding]:
    what = _name(each, owner)
    if any(at.paused for at in cursors.values()):
        found = (
            f"is paused by a person, {count(sum(_lag(cursors, heads).values()), 'event')} behind"
        )
        yield warning(what, found, "resume it in the admin, under Subscriptions")
        return
    if names := hearing.predecessors(each):
        refused = hearing.refusal(each, names)
        forget = f"`manage.py rename {names[0]} {each.name}`, or `manage.py forget {names[0]}`"
        yield error(what, refused.removeprefix(f"{each.name} ").rstrip("."), forget)
        return
    if not cursors:
        found = "has no cursor yet; no consumer has begun with it"
        yield warning(what, found, f"run `manage.py consume {each.context}`")
        return
    try:
        for number, at in cursors.items():
            _verify(each, (owner, number), at, heads.get(number, 0))
        yield _judge(each, owner, _lag(cursors, heads), cursors)
    except (HistoryGone, LogMismatch) as stopped:
        yield error(what, str(stopped).rstrip("."), f"`manage.py replay {each.name} --from …`")
    except LookupFailed as away:
        found = f"what it handled and what waits can't be compared with the log ({away})"
        yield warning(what, found, f"see that {owner} runs")


def _verify(each: Subscription, place: Place, at: At, head: int) -> None:
    """Raises: LogMismatch: the log is not the one that this cursor moved in."""
    source.verify(each.context, place, at)
    if at.position > head:
        raise LogMismatch(f"its cursor is at position {at.position}, and the log ends at {head}.")


def _judge(
    each: Subscription, owner: str, lag: Mapping[int, int], cursors: Mapping[int, At]
) -> Finding:
    """Raises: HistoryGone: what waits was pruned. LookupFailed: the owner did not answer."""
    what = _name(each, owner)
    if not lag:
        return ok(what, "has handled everything")
    firsts = [
        history.read(each.context, (owner, number), cursors.get(number, BEGINNING).position, 1)
        for number in lag
    ]
    found = f"{count(sum(lag.values()), 'event')} behind"
    times = [event.time for events in firsts for event in events]
    if not times:
        return ok(what, found)
    found += f", the oldest since {min(times):%F %T}"
    if age_s(min(times)) <= LATE_S:
        return ok(what, found)
    return warning(what, found, f"see that `manage.py consume {each.context}` runs, and its log")


def _waits(context: str) -> bool:
    """Is any subscription behind, or without a cursor? One that can't be told waits, too."""
    for each in subscription.hosted([context]):
        for owner in each.sources:
            cursors = _cursors(each, owner)
            try:
                if not cursors or _lag(cursors, _heads(context, owner)):
                    return True
            except (LookupFailed, SettingsInvalid):
                return True
    return False


def look_for_unheard(context: str) -> Iterator[Finding]:
    """What passed before its type was added, and types that only another release hears."""
    for each in subscription.hosted([context]):
        what = f"Subscription {each.name}"
        if passed := unheard.passed(each):
            found = f"never heard {'; '.join(map(str, passed))}"
            yield warning(what, found, f"`manage.py unheard {each.name} --deliver`, or --accept")
        if types := unheard.unknown(each):
            found = f"keeps {', '.join(types)} for a release that hears them; this one does not"
            yield warning(what, found, f"if none does: `manage.py unheard {each.name} --accept`")


def _name(each: Subscription, owner: str) -> str:
    return f"{each.name} on {owner}"
