"""Reads and writes the baseline, the file that lists the accepted couplings.

It has a section for each pair of apps, one entry per line, and a blank line after each entry. Two
branches that remove entries, even adjacent or the same ones, merge in git, because removing an
entry leaves its blank line: there is always an unchanged line between two changes. For the same
reason a new entry goes to the end of its section, before the blank line that ends it.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from carveout.carving.ratchet.baseline_path import NAME, default_path
from carveout.carving.ratchet.entry import Entry
from carveout.carving.ratchet.merge_conflict import both_sides, first_marker
from carveout.carving.ratchet.symbol_names import listed, unlisted
from carveout.conf.code_locations import is_installed
from carveout.errors import BaselineInvalid

VERSION = "version 1"
HEAD = [
    "# Carveout's baseline: the couplings between contexts that this project has, one per line.",
    "# `manage.py survey --check` fails on one that is not here; `survey --write` takes out those",
    "# that are gone. Keep the blank lines: two branches that remove lines then merge cleanly.",
    VERSION,
]
UNREAD = "unread"
"""The section of what may stay unread, one name per line."""
NAMES = "names"
"""The section of other names in the code, to distinguish new names from old ones."""
PAIR = re.compile(r"\[(\S+) -> (\S+)\]")
ENTRY = re.compile(r"([\w -]+): (.+) -> (.+)")
Pair = tuple[str, str]


class Baseline:
    """Keeps each line in its place, except for those that are removed, renamed or added."""

    def __init__(self) -> None:
        self.apps: set[str] = set()
        """Labels of the project's own apps when a coupling was last accepted."""
        self.kernels: set[str] = set()
        self.names: set[str] = set()
        self._unread: list[str] = []
        self._head: list[str] = [*HEAD]
        self._sections: dict[Pair, list[str]] = {}

    @property
    def entries(self) -> list[Entry]:
        return [
            _entry(pair, line)
            for pair, lines in self._sections.items()
            for line in lines
            if _holds_entry(line)
        ]

    @property
    def allowed(self) -> list[str]:
        """Names of what may stay unread."""
        return [line for line in self._unread if _holds_entry(line)]

    # -- Changes -------------------------------------------------------------------------------

    def take_out(self, gone: Iterable[Entry]) -> None:
        for entry in gone:
            lines = self._sections[entry.pair]
            while str(entry) in lines:
                lines.remove(str(entry))

    def rename(self, old: Entry, new: Entry) -> None:
        """Replaces an entry in its place, if its apps are the same; else in its new section."""
        if old.pair != new.pair:
            self.take_out([old])
            self.add([new])
            return
        lines = self._sections[old.pair]
        lines[lines.index(str(old))] = str(new)

    def add(self, new: Iterable[Entry]) -> None:
        for entry in sorted(new):
            lines = self._sections.setdefault(entry.pair, ["", ""])
            while lines[-2:] != ["", ""]:
                lines.append("")
            if str(entry) not in lines:
                lines[-1:-1] = [str(entry), ""]

    def allow(self, unread: Iterable[str]) -> None:
        """Sets what may stay unread; other names are removed from the list."""
        names = [*unread]
        for line in self.allowed:
            if line not in names:
                self._unread.remove(line)
        for name in sorted({*names} - {*self.allowed}):
            self._unread = [*self._unread, name, ""]

    # -- The file ------------------------------------------------------------------------------

    def text(self) -> str:
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield from self._head
        yield f"apps: {' '.join(sorted(self.apps))}"
        yield f"kernels: {' '.join(sorted(self.kernels))}".rstrip()
        yield ""
        for pair, lines in sorted(self._sections.items()):
            yield f"[{' -> '.join(pair)}]"
            yield from lines
        if self.allowed:
            yield f"[{UNREAD}]"
            yield from ["", *self._unread] if self._unread[0] else self._unread
        yield f"[{NAMES}]"
        yield ""
        yield from listed(self.names)

    def take(self, where: str, line: str, section: Pair | str) -> Pair | str:
        """Reads one line. Returns: the section that the next line is in."""
        heading = PAIR.fullmatch(line)
        if heading:
            pair = heading[1], heading[2]
            self._sections.setdefault(pair, [])
            return pair
        if line in (f"[{NAMES}]", f"[{UNREAD}]"):
            return line.strip("[]")
        if section == NAMES:
            self.names |= unlisted(line)
        elif section == UNREAD:
            self._unread.append(line)
        elif isinstance(section, tuple):
            if _holds_entry(line) and not ENTRY.fullmatch(line):
                raise BaselineInvalid(
                    f"{where}: {line!r} is not a coupling. Write it as `kind: symbol -> symbol`, or"
                    " remove the line."
                )
            self._sections[section].append(line)
        else:
            self._take_head(where, line)
        return section

    def _take_head(self, where: str, line: str) -> None:
        name, colon, values = line.partition(":")
        if colon and name in ("apps", "kernels"):
            setattr(self, name, getattr(self, name) | {*values.split()})
        elif line.startswith("version ") and line != VERSION:
            raise BaselineInvalid(
                f"{where}: the file is {line}, but this Carveout reads {VERSION}. Install the"
                " Carveout that wrote the file, or delete it and run `survey --write`."
            )
        elif line.startswith("#") and line not in self._head:
            self._head.insert(-1, line)
        elif line and not line.startswith("#") and line != VERSION:
            raise BaselineInvalid(
                f"{where}: {line!r} is not recognized. Remove the line, or move it below the"
                " heading of two apps, such as `[orders -> catalogue]`."
            )

    def tidied(self) -> "Baseline":
        """A copy that is sorted, without duplicates, with one blank line after each entry."""
        tidy = Baseline()
        tidy.apps, tidy.kernels, tidy.names = self.apps, self.kernels, self.names
        tidy.add(self.entries)
        tidy.allow(self.allowed)
        return tidy


def read(path: Path, merge: bool = False) -> Baseline:
    """Reads the file. `merge`: if it has merge conflicts, take the entries of both sides.

    Raises: BaselineInvalid, if it can't be read; the message says where and what to do.
    """
    lines = _read_lines(path)
    conflict = first_marker(lines)
    if conflict and not merge:
        raise BaselineInvalid(
            f"{path.name}:{conflict}: two branches changed this and git could not merge it. Run"
            " `survey --write`: it keeps the entries of both and removes those that are gone."
        )
    baseline = Baseline()
    section: Pair | str = ""
    for number, line in both_sides(lines):
        section = baseline.take(f"{path.name}:{number}", line.rstrip(), section)
    return baseline.tidied() if conflict else baseline


def listed_unread(root: Path) -> list[str]:
    """What the baseline in its default place allows to stay unread; nothing without a baseline.

    Raises: BaselineInvalid, if it can't be read.
    """
    try:
        path = default_path(root)
    except BaselineInvalid:
        return []  # no baseline can exist there
    return read(path).allowed if path.exists() else []


def write(path: Path, baseline: Baseline) -> None:
    """Raises: BaselineInvalid, if it can't be written there, or would be lost there."""
    if is_installed(path):
        raise BaselineInvalid(
            f"{path} is among installed packages, and the next installation would delete it."
            f" Nothing was written. Name another file: --baseline {NAME}."
        )
    try:
        path.write_text(baseline.text(), encoding="utf-8")
    except OSError as error:
        raise BaselineInvalid(f"{path} can't be written: {error.strerror}.") from error


def _read_lines(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BaselineInvalid(f"{path} can't be read: {error}. Restore it from git.") from error
    if lines and not any(line.startswith("version ") for line in lines):
        raise BaselineInvalid(
            f"{path.name}:1: this is not a baseline: `{VERSION}` is missing. Restore it from git,"
            " or name another file with --baseline."
        )
    return lines


def _holds_entry(line: str) -> bool:
    return bool(line) and not line.startswith("#")


def _entry(pair: Pair, line: str) -> Entry:
    kind, source, target = ENTRY.fullmatch(line).groups()  # type: ignore[union-attr]
    return Entry(*pair, kind, source, target)
