"""New texts of files, as they are planned: nothing is written until somebody says so."""

from dataclasses import dataclass, field
from pathlib import Path

import libcst as cst

from carveout.carving.carve.problem import CarveRefused, Problem
from carveout.carving.survey.sources import encoding_of
from carveout.carving.survey.unread import Gap


@dataclass(kw_only=True)
class Planned:
    """What would change, and what stands in the way."""

    old: dict[Path, str] = field(default_factory=dict)
    new: dict[Path, str] = field(default_factory=dict)
    blocking: list[Problem] = field(default_factory=list)
    """While these are left, nothing is written."""
    unread: list[Gap] = field(default_factory=list)
    """What could not be read, so that nobody knows what is in there."""

    @property
    def changed(self) -> list[Path]:
        return sorted(path for path, text in self.new.items() if self.old[path] != text)

    def text(self, path: Path) -> str:
        """A file as it is planned so far; empty if there is none.

        Raises: CarveRefused: it can't be parsed, so it can't be changed.
        """
        if path not in self.old:
            self.old[path] = _read(path) if path.exists() else ""
        return self.new.get(path, self.old[path])

    def put(self, path: Path, text: str) -> None:
        """Plan this text for a file."""
        self.text(path)
        self.new[path] = text

    def write(self) -> None:
        """Write the files, unless something stands in the way."""
        for path in () if self.blocking else self.changed:
            path.write_bytes(self.new[path].encode(_encoding(path)))


def _encoding(path: Path) -> str:
    return encoding_of(path) if path.exists() else "utf-8"


def _read(path: Path) -> str:
    try:
        text = path.read_bytes().decode(_encoding(path))
        cst.parse_module(text)
    except (SyntaxError, UnicodeDecodeError, cst.ParserSyntaxError) as error:
        why = f"{path} can't be parsed, so it can't be changed: {error}"
        raise CarveRefused(why) from error
    return text
