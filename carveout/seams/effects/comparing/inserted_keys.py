"""Generated keys inside values: in job arguments, mails, URLs and columns without a constraint.

The same row has another key each time that it is inserted. So a number or a word that is such a
key counts as equal to the key of the row's counterpart.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import cached_property
from operator import attrgetter
from typing import Any

from carveout.seams.effects.comparing.effect import Effect
from carveout.seams.effects.comparing.net_changes import frozen

Naming = Callable[[Effect], str]
"""How a row is named in the place of its key. Counterparts have the same name."""
label_of: Naming = attrgetter("label")
name_of: Naming = attrgetter("name")

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_WORD = re.compile(rf"({_UUID}|\d+(?:[.,]\d+)+|\w+)")
"""An amount such as 17.50 is one word, so that its 17 is not taken for a key."""
_HEX = re.compile(r"[0-9a-f]{32}")


class InsertedKeys:
    """The rows of one side that got a new key, by the words that stand for it."""

    def __init__(self, rows: Iterable[Effect]) -> None:
        self._inserted = [row for row in rows if row.key is not None and len(row.key) == 1]

    @cached_property
    def _rows(self) -> dict[str, list[Effect]]:
        found: dict[str, list[Effect]] = defaultdict(list)
        for row in self._inserted:
            for word in _words_of((row.key or ("",))[0]):
                found[word].append(row)
        return found

    def rows(self, word: object) -> list[Effect]:
        """The rows that a word or number may mean: keys of several tables may be the same."""
        if isinstance(word, bool) or not isinstance(word, int | str):
            return []
        return self._rows.get(str(word)) or self._rows.get(str(word).lower(), [])

    def rows_in(self, value: Any, table: str | None = None) -> Iterator[Effect]:
        """The rows whose keys are in a value. table: as for `named`."""
        for word in _scalars(value):
            yield from _preferred(self.rows(word), table)

    def named(self, value: Any, naming: Naming, table: str | None = None) -> Any:
        """The value with the names of rows in the place of their keys.

        table: where the row is meant to be if rows of several tables have the key.
        """
        if not self._inserted:
            return value
        if isinstance(value, dict):
            return {name: self.named(each, naming, table) for name, each in value.items()}
        if isinstance(value, list):
            return [self.named(each, naming, table) for each in value]
        if isinstance(value, str) and not self.rows(value):
            return _WORD.sub(lambda match: str(self._name(match[0], naming, table)), value)
        return self._name(value, naming, table)

    def _name(self, word: Any, naming: Naming, table: str | None) -> Any:
        names = sorted({naming(row) for row in _preferred(self.rows(word), table)})
        return f"⟨{' or '.join(names)}⟩" if names else word


def _preferred(rows: list[Effect], table: str | None) -> list[Effect]:
    return [row for row in rows if row.name == table] or rows


Field = tuple[str, str]
"""The name of effects, and of a field."""


def likely_tables(values: Iterable[tuple[Field, Any, InsertedKeys]]) -> dict[Field, str]:
    """By field: the table that most of the keys in its values may be of."""
    counts: dict[Field, Counter[str]] = defaultdict(Counter)
    for of, value, keys in values:
        counts[of].update(row.name for row in keys.rows_in(value))
    return {of: max(count, key=count.__getitem__) for of, count in counts.items() if count}


def same(call: Any, event: Any, keys: tuple[InsertedKeys, InsertedKeys], naming: Naming) -> bool:
    """Whether two values are equal as they are, or but for keys of counterparts."""
    if frozen(call) == frozen(event) or _same_word(call, event, keys, naming):
        return True
    if isinstance(call, dict) and isinstance(event, dict):
        return call.keys() == event.keys() and all(
            same(value, event[name], keys, naming) for name, value in call.items()
        )
    if isinstance(call, list) and isinstance(event, list):
        return len(call) == len(event) and all(
            same(one, other, keys, naming) for one, other in zip(call, event, strict=True)
        )
    if not isinstance(call, str) or not isinstance(event, str):
        return False
    parts = (_WORD.split(call), _WORD.split(event))
    return len(parts[0]) == len(parts[1]) and all(
        one == other or _same_word(one, other, keys, naming)
        for one, other in zip(*parts, strict=True)
    )


def _same_word(call: Any, event: Any, keys: tuple[InsertedKeys, InsertedKeys], by: Naming) -> bool:
    of_call, of_event = keys[0].rows(call), keys[1].rows(event)
    if type(call) is not type(event) or not of_call or not of_event:
        return False
    return not {by(row) for row in of_call}.isdisjoint(by(row) for row in of_event)


def _scalars(value: Any) -> Iterator[Hashable]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _scalars(each)
        return
    yield value
    if isinstance(value, str):
        yield from (word for word in _WORD.findall(value) if word != value)


def _words_of(key: Any) -> Iterator[str]:
    """SQLite has a UUID without hyphens; texts have it with them."""
    yield str(key)
    bare = key.replace("-", "").lower() if isinstance(key, str) else ""
    if len(bare) == 32 and _HEX.fullmatch(bare):
        groups = (bare[:8], bare[8:12], bare[12:16], bare[16:20], bare[20:])
        yield from {bare, "-".join(groups)} - {key}
