"""Conflict markers of git: what both sides say, so that a half-merged baseline can be read."""

from collections.abc import Iterable, Iterator

OURS, BEFORE, THEIRS, END = "<<<<<<<", "|||||||", "=======", ">>>>>>>"
MARKERS = (OURS, BEFORE, THEIRS, END)


def first_marker(lines: Iterable[str]) -> int:
    """The number of the first line that is one; 0 if there is none."""
    return next((number for number, line in enumerate(lines, 1) if line.startswith(MARKERS)), 0)


def both_sides(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """All lines with their numbers, but markers, and what was there before both (diff3)."""
    before = False
    for number, line in enumerate(lines, 1):
        if line.startswith(MARKERS):
            before = line.startswith(BEFORE)
        elif not before:
            yield number, line
