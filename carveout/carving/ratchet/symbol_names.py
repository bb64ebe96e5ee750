"""Splits and compares symbols, and lists them in the baseline.

A symbol is a dotted name, a model's label, a template (`orders/list.html`) or a page
(`orders:list`).
"""

import re
from collections.abc import Iterable, Iterator

PART = re.compile(r"[^.:]+|[.:]+")
FOLDER_OR_FILE = re.compile(r"[^/]+|/+")
TOP = "-"
"""Means that nothing precedes the name."""


def parts(symbol: str) -> tuple[str, ...]:
    """The names in a symbol and their separators: `orders`, `.`, `services`."""
    return tuple((FOLDER_OR_FILE if "/" in symbol else PART).findall(symbol))


def alike(one: str, other: str) -> bool:
    """Whether one can be the other after it was renamed or moved, but not both.

    Either all but one part is the same, or only the last part is (for methods, the class too).
    """
    first, second = parts(one), parts(other)
    if not first or not second or first == second:
        return False
    if _end(first) == _end(second):
        return True
    return len(first) == len(second) and sum(map(str.__ne__, first, second)) == 1


def related(symbols: Iterable[str], wanted: Iterable[str]) -> Iterator[str]:
    """The symbols that are like a wanted one, the same as one, or in a wanted module."""
    wanted = {*wanted}
    modules = {each for each in wanted if not _is_class(parts(each)[-1])}
    keys = {key for each in wanted for key in _keys(each)}
    for symbol in symbols:
        if symbol.rpartition(".")[0] in modules or not keys.isdisjoint(_keys(symbol)):
            yield symbol


def _keys(symbol: str) -> Iterator[tuple[str, ...]]:
    """Keys for comparison: all parts but one, and the end. Symbols that share a key are alike."""
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
    """One line for all symbols that differ in the last part: `orders.services. place cancel`."""
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
