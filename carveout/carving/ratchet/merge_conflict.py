"""Reads files with git's conflict markers: the lines of both sides of a half-merged baseline."""

from collections.abc import Iterable, Iterator

OURS, BEFORE, THEIRS, END = "<<<<<<<", "|||||||", "=======", ">>>>>>>"
MARKERS = (OURS, BEFORE, THEIRS, END)


def first_marker(lines: Iterable[str]) -> int:
    """The number of the first line with a marker, or 0."""
    return next((number for number, line in enumerate(lines, 1) if line.startswith(MARKERS)), 0)


def both_sides(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """All lines with numbers, without markers and without the common ancestor (diff3)."""
    before = False
    for number, line in enumerate(lines, 1):
        if line.startswith(MARKERS):
            before = line.startswith(BEFORE)
        elif not before:
            yield number, line
