"""Finds which row inserted by the event is the counterpart of which row inserted by the call."""

from collections import Counter
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, field
from typing import Any

from carveout.seams.effects.comparing.effect import Effect
from carveout.seams.effects.comparing.inserted_keys import name_of, same
from carveout.seams.effects.comparing.net_changes import frozen
from carveout.seams.effects.comparing.normal_form import NormalForm
from carveout.seams.effects.comparing.pairs import Features, Pair, Unpaired, features_of
from carveout.seams.effects.comparing.row_content import (
    ALL_KEYS,
    NEW_KEYS,
    NO_KEYS,
    Numbers,
    RowContents,
)
from carveout.seams.effects.comparing.schema import Schema


@dataclass
class RowPairs:
    """The inserted rows of both sides. Counterparts have the same label, others have none."""

    equal: list[Pair] = field(default_factory=list)
    """Equal but for fields with `equal_if`, as are the rows that they are linked with."""
    others: list[Pair] = field(default_factory=list)
    """Counterparts that may differ."""
    missing: list[Effect] = field(default_factory=list)
    extra: list[Effect] = field(default_factory=list)


def pair_rows(call: NormalForm, event: NormalForm, schema: Schema) -> RowPairs:
    """Pairs the inserted rows, and labels them.

    First the rows that are equal; then those with the same natural key; then those that are most
    alike, beginning with rows whose own values differ: what is linked with them follows.
    """
    return _RowPairing(call, event, schema).run()


class _RowPairing:
    def __init__(self, call: NormalForm, event: NormalForm, schema: Schema) -> None:
        self._keys, self._schema = (call.keys, event.keys), schema
        self._contents, self._levels = _contents(call, event, schema)
        self._rest = Unpaired(call.inserted, event.inserted)
        self._sides = {row: form.keys for form in (call, event) for row in form.inserted}
        self._found = RowPairs()
        self._labelled: Counter[str] = Counter()

    def run(self) -> RowPairs:
        levels = self._levels
        self._found.equal += self._rest.equal(levels[-1].__getitem__)
        self._label_equal(self._found.equal, levels[-1])
        if self._rest.call and self._rest.event:
            self._pair_by_natural_keys()
            self._pair_strangers(levels[0])
            self._pair_by_levels()
            self._pair_alike(self._rest)
        self._found.missing, self._found.extra = self._rest.call, self._rest.event
        for row in (*self._rest.call, *self._rest.event):
            row.label = self._next_label(row)
        return self._found

    def _label_equal(self, pairs: Collection[Pair], numbers: Numbers) -> None:
        """Equal rows share a label: which of them is linked makes no difference."""
        labels: dict[int, str] = {}
        for pair in pairs:
            number = numbers[pair[0]]
            label = labels.get(number) or self._next_label(pair[0])
            labels[number] = pair[0].label = pair[1].label = label

    def _next_label(self, row: Effect) -> str:
        self._labelled[row.name] += 1
        return f"{row.name} {self._labelled[row.name]}"

    def _add(self, pairs: Collection[Pair]) -> bool:
        for pair in pairs:
            pair[0].label = pair[1].label = self._next_label(pair[0])
        self._found.others += pairs
        return bool(pairs)

    def _pair_by_natural_keys(self) -> None:
        """Repeated, since a natural key may contain a reference to a row with a natural key."""
        most = max((len(self._natural_keys(row)) for row in self._rest.call), default=0)
        went_on = True
        while went_on:
            found = [self._add(self._rest.equal(self._natural(place))) for place in range(most)]
            went_on = any(found)

    def _natural_keys(self, row: Effect) -> tuple[tuple[str, ...], ...]:
        return self._schema.table(row.name).natural_keys

    def _natural(self, place: int) -> Callable[[Effect], Hashable]:
        def identity(row: Effect) -> Hashable:
            keys = self._natural_keys(row)
            if place >= len(keys):
                return None
            values = [_known(row, name) for name in keys[place]]
            return None if None in values else (row.name, *values)

        return identity

    def _pair_strangers(self, numbers: Numbers) -> None:
        """Pair rows whose own values are found nowhere on the other side."""
        calls = {numbers[row] for row in self._rest.call}
        events = {numbers[row] for row in self._rest.event}
        strangers = Unpaired(
            (row for row in self._rest.call if numbers[row] not in events),
            (row for row in self._rest.event if numbers[row] not in calls),
        )
        self._rest.take(self._pair_alike(strangers))

    def _pair_alike(self, rows: Unpaired) -> list[Pair]:
        found = [*rows.in_order(self._are_equal), *rows.alike(self._features)]
        self._add(found)
        return found

    def _pair_by_levels(self) -> None:
        """Pair what is alike as far as possible, seen from the pairs that are known."""
        known = {
            row: row.label
            for pairs in (self._found.equal, self._found.others)
            for pair in pairs
            for row in pair
        }
        *coarser, finest = self._contents.levels(known)
        self._found.others += (pairs := self._rest.equal(finest.__getitem__))
        self._label_equal(pairs, finest)
        for numbers in reversed(coarser):
            self._add(self._rest.equal(numbers.__getitem__))

    def _are_equal(self, call: Effect, event: Effect) -> bool:
        """Whether their own values are equal."""
        return call.links.keys() == event.links.keys() and same(
            call.fields, event.fields, self._keys, name_of
        )

    def _features(self, row: Effect) -> Features:
        def value(_: str, value: Any) -> Any:
            return self._sides[row].named(value, name_of)

        return features_of(row, value)


def _contents(
    call: NormalForm, event: NormalForm, schema: Schema
) -> tuple[RowContents, list[Numbers]]:
    """The first way to read keys by which both sides are equal; else one that is often right."""
    found = {}
    for free_keys in (NO_KEYS, NEW_KEYS, ALL_KEYS):
        contents = RowContents(call, event, schema, free_keys)
        found[free_keys] = contents, (levels := contents.levels({}))
        one, other = (Counter(map(levels[-1].get, form.inserted)) for form in (call, event))
        if one == other:
            return found[free_keys]
    return found[NEW_KEYS]


def _known(row: Effect, name: str) -> Hashable:
    """A part of a natural key. None: not known yet, or it does not count."""
    if name in row.links:
        return row.links[name].label or None
    return frozen(row.fields.get(name))
