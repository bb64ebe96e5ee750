"""The ratchet: compare with the baseline, shrink it, accept what is new."""

from collections.abc import Iterable
from pathlib import Path

from carveout.errors import BaselineInvalid
from carveout.ratchet import baseline as file
from carveout.ratchet.baseline import Baseline
from carveout.ratchet.entry import Entry
from carveout.ratchet.owners import Owners
from carveout.ratchet.remark import NewCoupling
from carveout.ratchet.verdict import Verdict, known_names, verdict
from carveout.survey.found import Survey
from carveout.survey.project import SHELL, Project


class Ratchet:
    """One survey and one baseline; the file changes only in `write` and `accept`.

    Raises: BaselineInvalid: the file is there and can't be read.
    """

    def __init__(self, project: Project, found: Survey, path: Path, merge: bool = False) -> None:
        self.project = project
        self.found = found
        self.path = path
        self.exists = path.exists()
        self.baseline = file.read(path, merge) if self.exists else self._first()
        self.verdict: Verdict = verdict(found, self.baseline, project)

    def new(self) -> list[NewCoupling]:
        root = self.project.root
        owners = Owners(root)
        return [
            NewCoupling(entry, self.found, self.verdict, owners, root) for entry in self.verdict.new
        ]

    def write(self) -> None:
        """List all the first time; after that take out what is gone, and follow renames."""
        if not self.exists:
            self._add([*self.verdict.new, *self.verdict.guessed])
        self._shrink()
        file.write(self.path, self.baseline)

    def accept(self, names: Iterable[str]) -> list[Entry]:
        """List what is new: all, or what these name: an entry, or one of its symbols.

        Returns: what was listed. Raises: BaselineInvalid: nothing new is named so.
        """
        accepted = self._named(list(names))
        self._shrink()
        self._add(accepted)
        file.write(self.path, self.baseline)
        return accepted

    def _first(self) -> Baseline:
        first = Baseline()
        first.kernels = {*self.found.kernels}
        return first

    def _shrink(self) -> None:
        for old, new in self.verdict.moved.items():
            self.baseline.rename(old, new)
        self.baseline.take_out(self.verdict.gone)

    def _add(self, entries: Iterable[Entry]) -> None:
        self.baseline.add(entries)
        self.baseline.apps = self.found.contexts.keys() - {SHELL}
        self.baseline.kernels = self.verdict.kernels
        self.baseline.names = known_names(self.found, self.project, self.baseline.entries)

    def _named(self, names: list[str]) -> list[Entry]:
        new = [*self.verdict.new, *self.verdict.guessed]
        for name in names:
            if not any(_is_named(entry, name) for entry in new):
                raise BaselineInvalid(
                    f"No new coupling is named {name!r}. {self.path} is as it was."
                )
        return [each for each in new if not names or any(_is_named(each, name) for name in names)]


def _is_named(entry: Entry, name: str) -> bool:
    return name in (str(entry), " -> ".join(entry.symbols), *entry.symbols)
