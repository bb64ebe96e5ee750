"""Advises for each event whether to carry state, with the figures that say so.

Counts begin when Redis was last emptied. A request may ask for several objects, so there can be
fewer requests than handled events.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from rest_framework.renderers import JSONRenderer

from carveout.conf import get_settings
from carveout.contracts.contract import Contracts, event_uses
from carveout.lookups.provider import providers, serialize
from carveout.models import LoggedEvent
from carveout.operations.contextmap.observed import Observed, ObservedLookup

ASKERS_MIN = 3
"""So many contexts that ask for the same make carrying it worth while, if it is small."""
BYTES_MAX = 2_000
UNANSWERED_MAX = 0.01
"""More requests without an answer make carrying it worth while."""
HANDLED_MIN = 100
"""Fewer handled events say nothing yet."""
SAMPLES = 20


@dataclass(frozen=True)
class Advice:
    """What was observed of an event, and what follows."""

    type: str
    at: str
    lookup: str
    """The lookup that its handlers ask for; empty if they ask for none of the publisher's."""
    carries: str
    askers: tuple[str, ...]
    """The contexts that ask for it."""
    handled: int
    """How often they handled the event."""
    requests: int
    """What they asked for it because of any event."""
    unanswered: int
    mean_ms: float
    carried_bytes: int | None
    """The size of what it would carry, the median of the last events; None if not known."""

    @property
    def verdict(self) -> str:
        if self.carries:
            return f"It carries {self.carries}: nobody asks."
        if not self.lookup:
            return "Keep it thin: no handler asks for anything."
        if self.handled < HANDLED_MIN:
            return f"Too early to say: it was handled {self.handled} times."
        if self.requests and self.unanswered / self.requests > UNANSWERED_MAX:
            return f'Let it carry "{self.lookup}": the owner often did not answer.'
        if len(self.askers) >= ASKERS_MIN and (self.carried_bytes or BYTES_MAX + 1) <= BYTES_MAX:
            return f'Let it carry "{self.lookup}": many ask for it, and it is small.'
        return "Keep it thin: the owner answers, and few ask."


def advice(contracts: Contracts, seen: Observed) -> Iterator[Advice]:
    """For each event of each context, by name."""
    lookup_of = {
        (name, reader): lookup
        for name, contract in contracts.items()
        for lookup, readers in contract.reads.items()
        for reader in readers
    }
    for owner, contract in sorted(contracts.items()):
        for type_, event in sorted(contract.events.items()):
            asking = {
                each.subscription: (each.context, lookup)
                for each in event_uses(contracts)
                for ask in each.declared.asks
                if each.type == type_
                if (lookup := lookup_of.get((each.context, ask), "")).startswith(f"{owner}.")
            }
            lookups = sorted({lookup for _, lookup in asking.values()})
            askers = tuple(sorted({context for context, _ in asking.values()}))
            asked = [
                seen.lookups.get(f"{context} {lookup}", ObservedLookup())
                for context, lookup in {*asking.values()}
            ]
            requests = sum(each.requests for each in asked)
            took_ms = sum(each.requests * each.mean_ms for each in asked)
            yield Advice(
                type=type_,
                at=event.at,
                lookup=", ".join(lookups),
                carries=event.carries,
                askers=askers,
                handled=_handled(seen, asking, type_),
                requests=requests,
                unanswered=sum(each.failed for each in asked),
                mean_ms=round(took_ms / requests, 1) if requests else 0.0,
                carried_bytes=_bytes(owner, type_, lookups[0]) if len(lookups) == 1 else None,
            )


def text(found: Iterator[Advice]) -> Iterator[str]:
    for each in found:
        yield f"{each.type}  {each.at}"
        yield f"  {each.verdict}"
        if each.lookup and not each.carries:
            answers = f"{each.unanswered} without an answer" if each.unanswered else "all answered"
            size = f"{each.carried_bytes:,} bytes" if each.carried_bytes else "size not known"
            yield f"  {', '.join(each.askers)} ask for {each.lookup} ({size})"
            yield (
                f"  handled {each.handled:,} times; {each.requests:,} requests for any event,"
                f" {answers}, {each.mean_ms} ms each"
            )


def _handled(seen: Observed, subscriptions: Mapping[str, object], type_: str) -> int:
    """How often these subscriptions handled an event of this type."""
    types = [seen.subscriptions[name].types for name in subscriptions if name in seen.subscriptions]
    return sum(each[type_].count for each in types if type_ in each)


def _bytes(owner: str, type_: str, lookup: str) -> int | None:
    """The size of what the last events would carry, as `publish` would store it."""
    if not get_settings().hosts(owner) or lookup not in providers:
        return None
    rows = LoggedEvent.objects.using(get_settings().database_of(owner)).filter(type=type_)
    keys = [*rows.order_by("-pk").values_list("key", flat=True)[:SAMPLES]]
    found = serialize(providers[lookup], keys).values() if keys else ()
    sizes = [len(JSONRenderer().render(each)) for each in found]
    return int(median(sizes)) if sizes else None
