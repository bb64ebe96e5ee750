"""What is wrong, by the box, arrow or event of the picture that shows it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from carveout.operations.age import in_words
from carveout.operations.contextmap.observed import Observed, ObservedLookup, ObservedSubscription

RECENT_S = 60.0
"""A lookup fails if a request failed since, or if its last request failed."""
KINDS = {
    "dead": "error",
    "stopped": "error",
    "failing": "error",
    "waiting": "warning",
    "behind": "warning",
    "paused": "warning",
}
"""Levels by kind, the worst first."""


class Trouble(NamedTuple):
    """`who` is a subscription or a lookup. `number` is 0 for a kind that counts nothing.

    `cell` of a table shows the same. `of` are what shows it in the picture: "context:orders".
    """

    kind: str
    number: int
    who: str
    text: str
    cell: str
    of: tuple[str, ...]


def shown(seen: Observed) -> dict[str, dict[str, Any]]:
    """For the page, by what shows it: the level, parts such as "25 dead", and a line of each."""
    troubles: dict[str, list[Trouble]] = defaultdict(list)
    for each in sorted(found(seen), key=_badness):
        for key in each.of:
            troubles[key].append(each)
    return {key: _shown(those) for key, those in troubles.items()}


def found(seen: Observed) -> Iterator[Trouble]:
    for name, each in seen.subscriptions.items():
        yield from _of_subscription(name, each)
    for name, asked in seen.lookups.items():
        yield from _of_lookup(name, asked, seen.at)


def _badness(each: Trouble) -> tuple[int, int, str]:
    return list(KINDS).index(each.kind), -each.number, each.who


def _shown(those: list[Trouble]) -> dict[str, Any]:
    numbers: Counter[str] = Counter()
    for each in those:
        numbers[each.kind] += each.number
    parts = [f"{number:,} {kind}" if number else kind for kind, number in numbers.items()]
    return {
        "level": KINDS[those[0].kind],
        "parts": parts,
        "lines": [
            {"kind": each.kind, "level": KINDS[each.kind], "who": each.who, "text": each.text}
            for each in those
        ],
    }


def _of_subscription(name: str, each: ObservedSubscription) -> Iterator[Trouble]:
    context = name.partition(".")[0]

    def at(publishers: Iterable[str], *more: str) -> tuple[str, ...]:
        arrows = (f"events:{publisher}:{context}" for publisher in sorted({*publishers}))
        return (f"context:{context}", *arrows, *more)

    for type_name, by_state in each.parked.items():
        publisher, _, short = type_name.partition(".")
        of_type = f" of {short}" if short else ""
        keys = at([publisher], *([f"event:{type_name}"] if short else []))
        for state, number in by_state.items():
            text = f"{number:,} {state}{of_type}"
            yield Trouble(state, number, name, text, f"{state} {name}", keys)
    if each.stopped:
        owners = [ref.partition(".")[0] for ref in each.stopped]
        text = f"stopped: partition {', '.join(each.stopped)}"
        yield Trouble("stopped", 0, name, text, "", at(owners))
    for publisher, late in each.late.items():
        text = f"{late.events:,} behind {publisher}, the oldest for {in_words(late.oldest_s)}"
        yield Trouble("behind", late.events, name, text, f"lag {name}", at([publisher]))
    if each.paused:
        yield Trouble("paused", 0, name, f"paused by {each.paused}", "", at(each.publishers))


def _of_lookup(name: str, each: ObservedLookup, now: float) -> Iterator[Trouble]:
    is_recent = now - each.failed_at < RECENT_S
    if each.failed_at and (is_recent or each.failed_at >= each.asked_at):
        reader, _, lookup = name.partition(" ")
        keys = (f"context:{reader}", f"lookups:{reader}:{lookup.partition('.')[0]}")
        text = f"a request failed {in_words(now - each.failed_at)} ago"
        yield Trouble("failing", 0, lookup, text, f"refused {name}", keys)
