"""Names: how symbols are taken apart, compared, and listed in the baseline.

A symbol is a dotted name, a model's label, a template (`orders/list.html`) or a page
(`orders:list`).
"""

import re
from collections.abc import Iterable, Iterator

PART = re.compile(r"[^.:]+|[.:]+")
FOLDER_OR_FILE = re.compile(r"[^/]+|/+")
TOP = "-"
"""Stands for nothing before the name."""


def parts(symbol: str) -> tuple[str, ...]:
    """`orders`, `.`, `services`: names, with what stands between them."""
    return tuple((FOLDER_OR_FILE if "/" in symbol else PART).findall(symbol))


def alike(one: str, other: str) -> bool:
    """May one be the other after it was renamed or moved, but not both?

    All is the same but one part, or the last part is the same and what stands before it is not.
    """
    first, second = parts(one), parts(other)
    if not first or not second or first == second:
        return False
    if first[-1] == second[-1]:
        return True
    return len(first) == len(second) and sum(map(str.__ne__, first, second)) == 1


def related(symbols: Iterable[str], wanted: Iterable[str]) -> Iterator[str]:
    """Those symbols that are alike to, the same as, or directly in one that is wanted."""
    holders = {*wanted}
    keys = {key for each in holders for key in _keys(each)}
    for symbol in symbols:
        if symbol.rpartition(".")[0] in holders or not keys.isdisjoint(_keys(symbol)):
            yield symbol


def _keys(symbol: str) -> Iterator[tuple[str, ...]]:
    """Two symbols are alike if they have one in common: all but one part, or the last."""
    all_parts = parts(symbol)
    yield all_parts[-1:]
    for place in range(len(all_parts)):
        yield (*all_parts[:place], "", *all_parts[place + 1 :])


# -- In the baseline ---------------------------------------------------------------------------


def listed(symbols: Iterable[str]) -> Iterator[str]:
    """A line for what has the same parts before the last: `orders.services. place cancel`."""
    lines: dict[str, list[str]] = {}
    for symbol in sorted(symbols):
        *before, last = parts(symbol)
        if " " not in symbol:
            lines.setdefault("".join(before) or TOP, []).append(last)
    for start, names in sorted(lines.items()):
        yield f"{start} {' '.join(names)}"


def unlisted(line: str) -> set[str]:
    start, *names = line.split() or [""]
    return {f"{start if start != TOP else ''}{name}" for name in names}
