"""Compares what is declared with what runs: undeclared subscriptions, and ones never seen."""

from collections.abc import Iterator, Set
from datetime import UTC, datetime

from carveout.contracts.contract import Contracts, EventUse, event_uses
from carveout.contracts.violation import Violation
from carveout.operations.contextmap.observed import Observed, ObservedSubscription

RECENT_S = 600
"""A counter unchanged for this long is stale. New subscribers get the same time to appear."""


def differences(contracts: Contracts, seen: Observed) -> Iterator[Violation]:
    """Yields the differences. Contexts without a known contract are not checked."""
    declared: dict[str, list[EventUse]] = {}
    for each in event_uses(contracts):
        declared.setdefault(each.subscription, []).append(each)
    yield from _undeclared(contracts, seen, declared.keys())
    if not seen.unread:  # otherwise it may have left traces in what could not be read
        yield from _never_seen(seen, declared)


def _undeclared(contracts: Contracts, seen: Observed, declared: Set[str]) -> Iterator[Violation]:
    """Reports at an event that it handled, because the subscription has no code of its own."""
    for name in sorted((seen.subscriptions.keys() | seen.traces.keys()) - declared):
        context = name.split(".")[0]
        if context in seen.heads and context not in contracts:
            continue  # that contract may declare it
        each = seen.subscriptions[name]
        sources = _sources(each, seen, seen.traces.get(name, set()))
        for at, what in _heard_at(each, sources, contracts):
            yield Violation(
                at,
                f"{name} handles {what} but is not declared{_last(each)}."
                f" Declare it, or stop it and run `manage.py forget {name}`;"
                f" if it was renamed, run `manage.py rename {name} NEW`.",
            )


def _sources(each: ObservedSubscription, seen: Observed, traces: set[str]) -> set[str]:
    """Contexts whose events it handles, by its cursors and groups, or by recent counters."""
    lately = {
        type_name.split(".")[0]
        for type_name, handled in each.types.items()
        if seen.at - handled.last < RECENT_S
    }
    return traces | lately


def _heard_at(
    each: ObservedSubscription, sources: set[str], contracts: Contracts
) -> Iterator[tuple[str, str]]:
    """One event of each source: one that it handled, or else the first."""
    for source in sorted(sources & contracts.keys()):
        events = contracts[source].events
        known = sorted(each.types.keys() & events.keys())
        if known:
            yield events[known[0]].at, " and ".join(known)
        elif events:
            yield events[min(events)].at, f"events of {source}"


def _last(each: ObservedSubscription) -> str:
    if not each.heard_at:
        return ""
    last = datetime.fromtimestamp(each.heard_at, UTC)
    return f", {each.heard} so far, the last at {last:%F %T} UTC"


def _never_seen(seen: Observed, declared: dict[str, list[EventUse]]) -> Iterator[Violation]:
    """Only if its workers announced it a while ago, and there are events for it."""
    for name, uses in sorted(declared.items()):
        announced_at = seen.since.get(name, seen.at)
        waits = any(seen.heads.get(each.owner) for each in uses)
        if name in seen.subscriptions or seen.at - announced_at < RECENT_S or not waits:
            continue
        context = uses[0].context
        yield Violation(
            uses[0].declared.at,
            f"{name} is declared but was never seen. Is `manage.py consume {context}` running?",
            is_error=False,
        )
