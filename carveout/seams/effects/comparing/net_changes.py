"""What is left of many changes of rows, if only their beginning and their end count."""

from collections.abc import Hashable, Iterable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from carveout.seams.effects.comparing.schema import Schema
from carveout.seams.effects.effects import RowImage, Values

Key = tuple[Any, ...]
_SCALARS = {str, int, bytes, type(None)}


class NetChange(NamedTuple):
    """How the effects changed a row all in all."""

    table: str
    key: Key | None
    """None: the table is unknown, so a row has no identity but its values."""
    before: Values | None
    after: Values | None


def net_changes(images: Iterable[RowImage], schema: Schema) -> list[NetChange]:
    """One change of each row, in the order in which the rows were first touched.

    A row that was inserted and deleted is left out, and one that is as it was before.
    """
    keyed: dict[tuple[str, Key], list[Values | None]] = {}
    unkeyed: dict[tuple[str, Hashable], tuple[Values, list[int]]] = {}
    for image in images:
        for moment, values in enumerate((image.before, image.after)):
            if values is None:
                continue
            key = schema.table(image.table).key_of(values)
            if key is not None:
                _touch(keyed.setdefault((image.table, key), []), moment, values)
            else:
                _, count = unkeyed.setdefault((image.table, frozen(values)), (values, [0]))
                count[0] += 1 if moment else -1
    return [*_of_keyed(keyed), *_of_unkeyed(unkeyed)]


def _touch(states: list[Values | None], moment: int, values: Values) -> None:
    """Note how a row was first, and how it is now."""
    if not states:
        states[:] = [None if moment else values, None]
    states[1] = values if moment else None


def _of_keyed(rows: dict[tuple[str, Key], list[Values | None]]) -> Iterator[NetChange]:
    for (table, key), (before, after) in rows.items():
        if before != after:
            yield NetChange(table, key, before, after)


def _of_unkeyed(
    rows: dict[tuple[str, Hashable], tuple[Values, list[int]]],
) -> Iterator[NetChange]:
    for (table, _), (values, (count,)) in rows.items():
        change = (None, values) if count > 0 else (values, None)
        for _ in range(abs(count)):
            yield NetChange(table, None, *change)


def frozen(value: Any) -> Hashable:
    """A value of JSON as one that can be counted. 1.50 is 1.5, and True is not 1."""
    if type(value) in _SCALARS:
        return value  # type: ignore[no-any-return]
    if isinstance(value, float):
        return frozen(Decimal(repr(value)))  # JSON that was stored has it as a Decimal
    if isinstance(value, Decimal) and value.is_finite():
        return value
    if isinstance(value, dict):
        return ("dict", *sorted((str(name), frozen(each)) for name, each in value.items()))
    if isinstance(value, list | tuple):
        return ("list", *map(frozen, value))
    return (type(value).__name__, repr(value))  # True, which is not 1; NaN, which is not itself
