"""What inserted rows are, without their keys: their values, and the rows they are linked with.

Two rows get the same number if they are alike as far as the links are followed: at level 0 their
own values, at each further level one link further, in both directions. This is the refinement of
colours of Weisfeiler and Leman, so cycles need no care.
Source: https://en.wikipedia.org/wiki/Colour_refinement_algorithm
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any, Literal, get_args

from carveout.seams.effects.comparing.effect import Effect
from carveout.seams.effects.comparing.inserted_keys import likely_tables, name_of
from carveout.seams.effects.comparing.net_changes import frozen
from carveout.seams.effects.comparing.normal_form import NormalForm
from carveout.seams.effects.comparing.schema import Schema

LEVELS_MAX = 16
"""Links are followed so far; in a longer chain, the rows in between show a difference."""

FreeKeys = Literal["none", "new", "all"]
"""In which columns without a foreign key numbers may be keys: a number that both sides have may be
an amount, or a key that the database used again after the rollback.
"""
NO_KEYS, NEW_KEYS, ALL_KEYS = get_args(FreeKeys)

Numbers = dict[Effect, int]
Link = tuple[str, Effect]
Values = dict[tuple[str, str], set[Hashable]]
"""By table and column."""


class RowContents:
    """The numbers of the inserted rows of both sides."""

    def __init__(
        self, call: NormalForm, event: NormalForm, schema: Schema, free_keys: FreeKeys = NO_KEYS
    ) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._out: dict[Effect, list[Link]] = {}
        self._in: dict[Effect, list[tuple[str, Effect | Hashable]]] = defaultdict(list)
        found = _Free(call, event, free_keys)
        self._own = {
            row: self._content(row, form, found) for form in (call, event) for row in form.inserted
        }
        for row in self._out:
            for name, target in row.links.items():
                self._in[target].append((f"{row.name}.{name}", row))
        for form in (call, event):
            for target, referrer in _from_changed_rows(form, schema):
                self._in[target].append(("", referrer))

    def levels(self, pairs: Mapping[Effect, Hashable]) -> list[Numbers]:
        """The numbers at each level, until none tells more apart.

        pairs: rows that are known to be counterparts have the same value here, and count as equal.
        """
        numbers = {
            row: self._number(("pair", pairs[row]) if row in pairs else own)
            for row, own in self._own.items()
        }
        levels = [numbers]
        while len(levels) <= LEVELS_MAX:
            further = self._one_link_further(numbers, pairs)
            if len({*further.values()}) == len({*numbers.values()}):
                break
            levels.append(numbers := further)
        return levels

    def _one_link_further(self, numbers: Numbers, pairs: Mapping[Effect, Hashable]) -> Numbers:
        further = dict(numbers)
        for row in self._out.keys() | self._in.keys():
            if row not in pairs:
                links = tuple((name, numbers[target]) for name, target in self._out.get(row, ()))
                further[row] = self._number((numbers[row], links, self._linked(row, numbers)))
        return further

    def _linked(self, row: Effect, numbers: Numbers) -> tuple[Hashable, ...]:
        """What refers to a row: inserted rows, and rows that existed before."""
        found = [
            (name, numbers[other] if isinstance(other, Effect) else self._number(other))
            for name, other in self._in.get(row, ())
        ]
        return tuple(sorted(found))

    def _number(self, content: Hashable) -> int:
        return self._numbers.setdefault(content, len(self._numbers))

    def _content(self, row: Effect, form: NormalForm, free: "_Free") -> Hashable:
        """The row's own values. Notes its links."""
        values = [*map(frozen, row.fields.values())]
        links = [*row.links.items()]
        for place, name, value in free.values(row, form):
            table = free.tables.get((row.name, name))
            links += [(name, other) for other in form.keys.rows_in(value, table)]
            values[place] = frozen(form.keys.named(value, name_of, table))
        if links:
            self._out[row] = links
        targets = [(name, target.name) for name, target in row.links.items()]
        return (row.name, tuple(row.fields), tuple(values), *targets)


class _Free:
    """The values that are searched for keys."""

    def __init__(self, call: NormalForm, event: NormalForm, free_keys: FreeKeys) -> None:
        self._which = free_keys
        self._other: dict[int, Values] = {}
        if free_keys == NEW_KEYS:
            self._other = {id(call): _values(event.inserted), id(event): _values(call.inserted)}
        self.tables = likely_tables(
            ((row.name, name), value, form.keys)
            for form in (call, event)
            for row in form.inserted
            for _, name, value in self.values(row, form)
        )

    def values(self, row: Effect, form: NormalForm) -> Iterator[tuple[int, str, Any]]:
        """Each with its place and its column."""
        if self._which == NO_KEYS:
            return
        other = self._other.get(id(form))
        for place, (name, value) in enumerate(row.fields.items()):
            if other is None or frozen(value) not in other[row.name, name]:
                yield place, name, value


def _values(rows: Iterable[Effect]) -> Values:
    found: Values = defaultdict(set)
    for row in rows:
        for name, value in row.fields.items():
            found[row.name, name].add(frozen(value))
    return found


def _from_changed_rows(form: NormalForm, schema: Schema) -> Iterator[tuple[Effect, Hashable]]:
    """Inserted rows that a row that existed before refers to now."""
    for (table, key), change in form.changed.items():
        for name, target in schema.table(table).references.items():
            linked = form.linked(target, (change.after or {}).get(name))
            if linked is not None:
                yield linked, (table, name, key)
