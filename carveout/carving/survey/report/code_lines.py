"""Quotes the line of code at which each coupling is."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path

from carveout.carving.survey.coupling import Coupling

LETTERS_MAX = 120
"""A line of a fixture may have thousands, and the page has a line for each coupling."""
OPENING = ("(", "[", "{")

CodeLines = Mapping[str, str]
"""By location, such as `orders/models.py:12`: the line there, shortened, without indentation."""


def code_lines(root: Path, couplings: Iterable[Coupling]) -> CodeLines:
    """Leaves out couplings without a line, and files that can't be read any more."""
    found = {}
    for file, some in groupby(sorted(couplings, key=_file), _file):
        lines = _lines(root / file)
        for each in some:
            if 0 < each.line <= len(lines):
                found[each.at] = _shortened(_statement(lines, each.line - 1))
    return found


def _file(coupling: Coupling) -> str:
    return coupling.file


def _lines(path: Path) -> list[str]:
    """As parsers count them: `splitlines` would also split at form feeds."""
    try:
        return path.read_text("utf-8", errors="replace").split("\n")
    except OSError:
        return []


def _statement(lines: list[str], index: int) -> str:
    """The line; with the next one, if it ends with an opening bracket and does not say enough."""
    line = lines[index].strip()
    following = lines[index + 1 : index + 2] if line.endswith(OPENING) else []
    return "".join([line, *(each.strip() for each in following)])


def _shortened(line: str) -> str:
    return line if len(line) <= LETTERS_MAX else f"{line[: LETTERS_MAX - 1]}…"
