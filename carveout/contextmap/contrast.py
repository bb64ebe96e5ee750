"""What is declared beside what is seen: subscribers that nobody declares, or that nobody saw."""

from collections.abc import Iterator, Set
from datetime import UTC, datetime

from carveout.contextmap.observed import Observed, SeenSubscription
from carveout.contracts.contract import Contracts, Heard, hears
from carveout.remark import Remark

LATELY_S = 600
"""A tally that stood still for so long tells of the past; so long may a new subscriber take."""


def contrast(contracts: Contracts, seen: Observed) -> Iterator[Remark]:
    """Of contexts whose contract is not known nothing is claimed."""
    declared: dict[str, list[Heard]] = {}
    for each in hears(contracts):
        declared.setdefault(each.subscription, []).append(each)
    yield from _undeclared(contracts, seen, declared.keys())
    if not seen.unread:  # else there may be traces of it where nobody could look
        yield from _never_seen(seen, declared)


def _undeclared(contracts: Contracts, seen: Observed, declared: Set[str]) -> Iterator[Remark]:
    """Remarks stand at an event that was heard: nowhere is there code of the subscription."""
    for name in sorted((seen.subscriptions.keys() | seen.traces.keys()) - declared):
        context = name.split(".")[0]
        if context in seen.heads and context not in contracts:
            continue  # it may well declare it
        each = seen.subscriptions[name]
        sources = _sources(each, seen, seen.traces.get(name, set()))
        for at, what in _heard_at(each, sources, contracts):
            told = f"{name} hears {what} and nobody declares it{_last(each)}."
            yield Remark(
                at,
                f"{told} Declare it, or stop it and say `manage.py forget {name}`;"
                f" if it was renamed, run `manage.py rename {name} NEW`.",
            )


def _sources(each: SeenSubscription, seen: Observed, traces: set[str]) -> set[str]:
    """Whose events it hears, by its cursors and groups, or by what it heard lately."""
    lately = {
        type_name.split(".")[0]
        for type_name, heard in each.types.items()
        if seen.at - heard.last < LATELY_S
    }
    return traces | lately


def _heard_at(
    each: SeenSubscription, sources: set[str], contracts: Contracts
) -> Iterator[tuple[str, str]]:
    """One event of each source: one that it heard, or else the first."""
    for source in sorted(sources & contracts.keys()):
        events = contracts[source].events
        known = sorted(each.types.keys() & events.keys())
        if known:
            yield events[known[0]].at, " and ".join(known)
        elif events:
            yield events[min(events)].at, f"events of {source}"


def _last(each: SeenSubscription) -> str:
    if not each.heard_at:
        return ""
    return f", {each.heard} so far, the last at {datetime.fromtimestamp(each.heard_at, UTC):%F %T}"


def _never_seen(seen: Observed, declared: dict[str, list[Heard]]) -> Iterator[Remark]:
    """Only if its workers told of it a while ago, and there is something to hear."""
    for name, heard in sorted(declared.items()):
        told_at = seen.since.get(name, seen.at)
        waits = any(seen.heads.get(each.owner) for each in heard)
        if name in seen.subscriptions or seen.at - told_at < LATELY_S or not waits:
            continue
        context = heard[0].context
        yield Remark(
            heard[0].hearing.at,
            f"{name} is declared and was never seen; does `manage.py consume {context}` run?",
            broken=False,
        )
