"""Finds counterparts among events, mails, jobs and requests, and whether their order is equal."""

from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

from carveout.seams.effects.comparing.differences import TEXT_MAX, Difference, shown_parts
from carveout.seams.effects.comparing.effect import Effect
from carveout.seams.effects.comparing.inserted_keys import (
    InsertedKeys,
    label_of,
    likely_tables,
    same,
)
from carveout.seams.effects.comparing.net_changes import frozen
from carveout.seams.effects.comparing.pairs import Features, Pair, Unpaired, features_of

Keys = tuple[InsertedKeys, InsertedKeys]


@dataclass
class AnnouncementPairs:
    """The effects of one kind on both sides."""

    equal: list[Pair] = field(default_factory=list)
    """Equal in all but the fields with `equal_if`."""
    others: list[Pair] = field(default_factory=list)
    missing: list[Effect] = field(default_factory=list)
    extra: list[Effect] = field(default_factory=list)


def pair_announcements(call: list[Effect], event: list[Effect], keys: Keys) -> AnnouncementPairs:
    """Pairs the effects of one kind. The inserted rows are labelled already."""
    rest, found = Unpaired(call, event), AnnouncementPairs()
    of_side = {each: own for own, side in zip(keys, (call, event), strict=True) for each in side}

    tables = likely_tables(
        ((each.name, name), value, own)
        for each, own in of_side.items()
        for name, value in each.fields.items()
    )

    def named(effect: Effect) -> dict[str, Any]:
        return {
            name: of_side[effect].named(value, label_of, tables.get((effect.name, name)))
            for name, value in effect.fields.items()
        }

    def features(effect: Effect) -> Features:
        fields = named(effect)
        return features_of(effect, lambda name, _: fields[name])

    def are_equal(one: Effect, other: Effect) -> bool:
        return same(one.fields, other.fields, keys, label_of)

    found.equal += rest.equal(lambda effect: (effect.name, frozen(named(effect))))
    found.equal += rest.equal(lambda effect: (effect.name, frozen(effect.fields)))
    found.equal += rest.in_order(are_equal)
    found.others += rest.alike(features)
    found.missing, found.extra = rest.call, rest.event
    return found


def order_differences(
    kind: str, call: list[Effect], event: list[Effect], equal: list[Pair]
) -> Iterator[Difference]:
    """The queues whose effects are all equal, but came in another order."""
    counterparts = dict(equal)
    places = {each: place for place, each in enumerate(event)}
    matched = counterparts.keys() | {*counterparts.values()}
    unequal = {each.queue for each in (*call, *event) if each not in matched} | {None}
    queues: dict[Hashable, list[Effect]] = defaultdict(list)
    for each in call:
        queues[each.queue].append(each)
    for queue in queues.keys() - unequal:
        effects = queues[queue]
        by_event = sorted(effects, key=lambda each: places[counterparts[each]])
        if by_event != effects and not unequal & {counterparts[each].queue for each in effects}:
            yield Difference(f"order of {kind}", _listed(effects), _listed(by_event))


def _listed(effects: list[Effect]) -> str:
    return "; ".join(f"{each.name} ({shown_parts(each.fields)})" for each in effects)[:TEXT_MAX]
