"""The baseline: the file that lists the couplings that are let pass.

A section for each pair of apps, an entry a line, a blank line after each. Git merges two branches
that take out entries, also neighbours and the same ones, because taking one out leaves its blank
line: between two changes there is always a line that nobody changes. For the same reason a new
entry goes to the end of its section, before the blank line that ends it.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from carveout.errors import BaselineInvalid
from carveout.origin import is_installed
from carveout.ratchet.conflict import both_sides, first_marker
from carveout.ratchet.entry import Entry
from carveout.ratchet.names import listed, unlisted
from carveout.survey.project import default_root

NAME = "carveout-baseline.txt"
VERSION = "version 1"
HEAD = [
    "# Carveout's baseline: the couplings between contexts that this project has, one a line.",
    "# `manage.py survey --check` fails on one that is not here; `survey --write` takes out those",
    "# that are gone. Leave the blank lines: they let branches merge that both take out some.",
    VERSION,
]
NAMES = "names"
"""The section of what else the code had by name, so that a new name is told from an old one."""
PAIR = re.compile(r"\[(\S+) -> (\S+)\]")
ENTRY = re.compile(r"([\w -]+): (.+) -> (.+)")
Pair = tuple[str, str]


class Baseline:
    """Keeps each line where it is, but those that are taken out, renamed or added."""

    def __init__(self) -> None:
        self.apps: set[str] = set()
        """The project's own, by label, when a coupling was last accepted."""
        self.kernels: set[str] = set()
        self.names: set[str] = set()
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

    # -- Changes -------------------------------------------------------------------------------

    def take_out(self, gone: Iterable[Entry]) -> None:
        for entry in gone:
            lines = self._sections[entry.pair]
            while str(entry) in lines:
                lines.remove(str(entry))

    def rename(self, old: Entry, new: Entry) -> None:
        """In its place, if it is still of the same apps."""
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
        yield f"[{NAMES}]"
        yield ""
        yield from listed(self.names)

    def take(self, where: str, line: str, section: Pair | str) -> Pair | str:
        """Read one line. Returns: the section that the next one is in."""
        heading = PAIR.fullmatch(line)
        if heading:
            pair = heading[1], heading[2]
            self._sections.setdefault(pair, [])
            return pair
        if line == f"[{NAMES}]":
            return NAMES
        if section == NAMES:
            self.names |= unlisted(line)
        elif isinstance(section, tuple):
            if _holds_entry(line) and not ENTRY.fullmatch(line):
                raise BaselineInvalid(
                    f"{where}: {line!r} is no coupling. Write it as `kind: symbol -> symbol`, or"
                    " take the line out."
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
                f"{where}: this is {line}, and this Carveout reads {VERSION}. Install the one that"
                " wrote the file, or write it anew: take it away and say `survey --write`."
            )
        elif line.startswith("#") and line not in self._head:
            self._head.insert(-1, line)
        elif line and not line.startswith("#") and line != VERSION:
            raise BaselineInvalid(
                f"{where}: {line!r} is unknown. Take the line out, or put it under the heading of"
                " two apps, `[orders -> catalogue]`."
            )

    def tidied(self) -> "Baseline":
        """The same, sorted, with one blank line after each entry, and nothing twice."""
        anew = Baseline()
        anew.apps, anew.kernels, anew.names = self.apps, self.kernels, self.names
        anew.add(self.entries)
        return anew


def default_path(root: Path) -> Path:
    """In the project's root. Where that is an installed package, beside the manage.py that runs.

    Raises: BaselineInvalid: all of the project is installed, so that no folder is its own.
    """
    folders = [root, default_root()]
    if (Path.cwd() / "manage.py").exists():
        folders.append(Path.cwd())
    home = next((each for each in folders if not is_installed(each)), None)
    if home is None:
        raise BaselineInvalid(
            f"{root} is an installed package, and the next installation would lose a baseline"
            f" there. Name a file of your own: --baseline {NAME}."
        )
    return home / NAME


def read(path: Path, merge: bool = False) -> Baseline:
    """`merge`: of a file in conflict take what either side lists.

    Raises: BaselineInvalid: it can't be read; the message says where and what to do.
    """
    lines = _read_lines(path)
    conflict = first_marker(lines)
    if conflict and not merge:
        raise BaselineInvalid(
            f"{path.name}:{conflict}: two branches changed this and git could not merge it. Say"
            " `survey --write`: it keeps what either lists and takes out what is gone."
        )
    baseline = Baseline()
    section: Pair | str = ""
    for number, line in both_sides(lines):
        section = baseline.take(f"{path.name}:{number}", line.rstrip(), section)
    return baseline.tidied() if conflict else baseline


def write(path: Path, baseline: Baseline) -> None:
    """Raises: BaselineInvalid: it can't be written there, or would be lost there."""
    if is_installed(path):
        raise BaselineInvalid(
            f"{path} lies among installed packages, and the next installation would lose it."
            f" Nothing was written. Name a file of your own: --baseline {NAME}."
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
            f"{path.name}:1: this is no baseline, `{VERSION}` is missing. Restore it from git, or"
            " name another file with --baseline."
        )
    return lines


def _holds_entry(line: str) -> bool:
    return bool(line) and not line.startswith("#")


def _entry(pair: Pair, line: str) -> Entry:
    kind, source, target = ENTRY.fullmatch(line).groups()  # type: ignore[union-attr]
    return Entry(*pair, kind, source, target)
