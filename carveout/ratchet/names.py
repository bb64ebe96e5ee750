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

    All is the same but one part, or only the last part is: of a method, its class too.
    """
    first, second = parts(one), parts(other)
    if not first or not second or first == second:
        return False
    if _end(first) == _end(second):
        return True
    return len(first) == len(second) and sum(map(str.__ne__, first, second)) == 1


def related(symbols: Iterable[str], wanted: Iterable[str]) -> Iterator[str]:
    """Those symbols that are alike to one that is wanted, or the same, or in such a module."""
    wanted = {*wanted}
    modules = {each for each in wanted if not _is_class(parts(each)[-1])}
    keys = {key for each in wanted for key in _keys(each)}
    for symbol in symbols:
        if symbol.rpartition(".")[0] in modules or not keys.isdisjoint(_keys(symbol)):
            yield symbol


def _keys(symbol: str) -> Iterator[tuple[str, ...]]:
    """Two symbols are alike if they have one in common: all but one part, or the end."""
    all_parts = parts(symbol)
    yield _end(all_parts)
    for place in range(len(all_parts)):
        yield (*all_parts[:place], "", *all_parts[place + 1 :])


def _end(all_parts: tuple[str, ...]) -> tuple[str, ...]:
    method = len(all_parts) > 2 and _is_class(all_parts[-3])
    return all_parts[-3:] if method else all_parts[-1:]


def _is_class(part: str) -> bool:
    return part[:1].isupper()


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
