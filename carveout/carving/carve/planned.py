"""New texts of files, as they are planned: nothing is written until somebody says so."""

from dataclasses import dataclass, field
from pathlib import Path

from carveout.carving.carve.problem import Problem


@dataclass(kw_only=True)
class Planned:
    """What would change, and what stands in the way."""

    old: dict[Path, str] = field(default_factory=dict)
    new: dict[Path, str] = field(default_factory=dict)
    blocking: list[Problem] = field(default_factory=list)
    """While these are left, nothing is written."""

    @property
    def changed(self) -> list[Path]:
        return sorted(path for path, text in self.new.items() if self.old[path] != text)

    def text(self, path: Path) -> str:
        """A file as it is planned so far; empty if there is none."""
        if path not in self.old:
            self.old[path] = path.read_bytes().decode() if path.exists() else ""
        return self.new.get(path, self.old[path])

    def put(self, path: Path, text: str) -> None:
        """Plan this text for a file."""
        self.text(path)
        self.new[path] = text

    def write(self) -> None:
        """Write the files, unless something stands in the way."""
        for path in () if self.blocking else self.changed:
            path.write_bytes(self.new[path].encode())
