"""Conflict markers of git: what both sides say, so that a half-merged baseline can be read."""

from collections.abc import Iterable, Iterator

OURS, BEFORE, THEIRS, END = "<<<<<<<", "|||||||", "=======", ">>>>>>>"
MARKERS = (OURS, BEFORE, THEIRS, END)


def first_marker(lines: Iterable[str]) -> int:
    """The number of the first line that is one; 0 if there is none."""
    return next((number for number, line in enumerate(lines, 1) if line.startswith(MARKERS)), 0)


def both_sides(lines: Iterable[str]) -> Iterator[str]:
    """All lines but the markers, and but those of what was there before both (diff3)."""
    before = False
    for line in lines:
        if line.startswith(MARKERS):
            before = line.startswith(BEFORE)
        elif not before:
            yield line
