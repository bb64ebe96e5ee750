"""Checks subscriptions of a hosted context: their lag, and whether consumers run."""

from collections.abc import Iterator
from itertools import chain

from carveout.conf import get_settings
from carveout.conf.time_zones import named
from carveout.consumers import leases, source
from carveout.deliveries import unheard
from carveout.errors import (
    HistoryGone,
    LogMismatch,
    LookupFailed,
    SettingsInvalid,
)
from carveout.eventlog import remote
from carveout.models import Cursor, Delivery, ReportedCursor
from carveout.operations.doctor.finding import Finding, count, error, ok, warning
from carveout.subscriptions import handled_types, subscription
from carveout.subscriptions.status import PartitionStatus, SubscriptionStatus, statuses
from carveout.subscriptions.subscription import Subscription


def check(context: str) -> Iterator[Finding]:
    """Checks each subscription on each log that it subscribes to."""
    hosted = subscription.hosted([context])
    for owner in sorted({owner for each in hosted for owner in each.source_contexts}):
        found = statuses([context], [owner], count_deliveries=False)
        try:
            remote.partitions(context, owner)
        except (LookupFailed, SettingsInvalid) as away:
            yield warning(
                f"Log of {owner}",
                f"{context} can't query it ({away}); the lag is read from its streams",
                f"check that {owner} runs and that its url is right",
            )
            for each in found:
                yield _behind_streams(each, owner)
            continue
        for each in found:
            yield from _check_subscription(each, owner)


def check_consumers(context: str) -> Iterator[Finding]:
    """Checks that consumers run where events wait for them."""
    if not subscription.hosted([context]):
        return
    what, members = f"Consumers of {context}", leases.members(context)
    if members:
        yield ok(what, f"{members} running")
    elif _waits(context):
        yield error(what, "none is running, and events wait", f"run `manage.py consume {context}`")
    else:
        yield ok(what, "none is running, and nothing waits")


def check_undeclared(database: str) -> Iterator[Finding]:
    """Finds what a database still keeps for subscriptions that are no longer in the code."""
    cursors = [each.objects.using(database) for each in (Cursor, ReportedCursor)]
    names = set(chain(*(rows.values_list("subscription", flat=True) for rows in cursors)))
    for name in sorted(names):
        if _gone(name):
            found = "is no longer declared; its cursors keep the log from being pruned"
            yield warning(
                f"Subscription {name}",
                found,
                f"run `manage.py forget {name}` or, if it was renamed,"
                f" `manage.py rename {name} NEW`",
            )
    rows = Delivery.objects.using(database).order_by("subscription")
    for name in rows.values_list("subscription", flat=True).distinct():
        if _gone(name):
            found = "is no longer declared, and has deliveries that no consumer will try"
            fix = f"run `manage.py deliveries discard --subscription {name}`"
            yield warning(f"Subscription {name}", found, fix)


def _gone(name: str) -> bool:
    """Is it undeclared? What another deployment declares is not known here."""
    settings, context = get_settings(), name.split(".")[0]
    elsewhere = context in settings.contexts and not settings.hosts(context)
    return name not in subscription.registry and not elsewhere


def _behind_streams(each: SubscriptionStatus, owner: str) -> Finding:
    what = _name(each, owner)
    if each.lag is None:
        return warning(what, "its lag is not known; Redis does not answer either", "see Redis")
    return ok(what, f"{count(each.lag, 'event')} behind the streams")


def _check_subscription(each: SubscriptionStatus, owner: str) -> Iterator[Finding]:
    what, of = _name(each, owner), each.subscription
    if each.pause:
        found = f"is paused by a person, {count(each.lag or 0, 'event')} behind"
        yield warning(what, found, "resume it in the admin, under Subscriptions")
        return
    if names := handled_types.predecessors(of):
        refused = handled_types.refusal(of, names)
        forget = f"run `manage.py rename {names[0]} {of.name}`, or `manage.py forget {names[0]}`"
        yield error(what, refused.removeprefix(f"{of.name} ").rstrip("."), forget)
        return
    if not each.started:
        found = "has no cursor yet; no consumer has started on it"
        yield warning(what, found, f"run `manage.py consume {of.context}`")
        return
    try:
        for partition in each.partitions:
            _verify(of, partition)
        yield _judge(each, owner)
    except (HistoryGone, LogMismatch) as stopped:
        yield error(what, str(stopped).rstrip("."), f"run `manage.py replay {of.name} --from …`")
    except LookupFailed as away:
        found = f"its cursors can't be compared with the log ({away})"
        yield warning(what, found, f"check that {owner} runs")


def _verify(each: Subscription, partition: PartitionStatus) -> None:
    """Compares a cursor with its log, and checks that the log still has what waits.

    Raises: LogMismatch: it belongs to another log. HistoryGone: events that wait were pruned.
        LookupFailed: the owner did not answer.
    """
    source.verify(each.context, partition.ref, partition.at)
    position, head = partition.position, partition.head or 0
    if position > head:
        raise LogMismatch(f"its cursor is at position {position}, but the log ends at {head}.")
    if partition.lag:
        remote.read(each.context, partition.ref, position, 1)


def _judge(each: SubscriptionStatus, owner: str) -> Finding:
    """Reports the lag, with the time of the oldest event that waits."""
    what = _name(each, owner)
    if not each.lag:
        return ok(what, "has handled everything")
    found = f"{count(each.lag, 'event')} behind"
    if each.oldest is None:
        return ok(what, found)
    found += f", the oldest since {named(each.oldest)}"
    if not each.late:
        return ok(what, found)
    context = each.subscription.context
    return warning(what, found, f"check `manage.py consume {context}` and its log")


def _waits(context: str) -> bool:
    """Is any subscription behind, or without a cursor? One whose lag is unknown counts."""
    return any(
        not each.started or each.lag != 0 for each in statuses([context], count_deliveries=False)
    )


def check_unheard(context: str) -> Iterator[Finding]:
    """Finds events passed before their type was added, and types of another release."""
    for each in subscription.hosted([context]):
        what = f"Subscription {each.name}"
        if passed := unheard.passed(each):
            found = f"never received {'; '.join(map(str, passed))}"
            yield warning(
                what, found, f"run `manage.py unheard {each.name} --deliver`, or `--accept`"
            )
        if types := unheard.unknown(each):
            found = f"keeps {', '.join(types)} for a release that handles them; this one does not"
            yield warning(
                what, found, f"if none does, run `manage.py unheard {each.name} --accept`"
            )


def _name(each: SubscriptionStatus, owner: str) -> str:
    return f"{each.subscription.name} on {owner}"
