"""Compares the code with the baseline, shrinks the baseline, and accepts new couplings."""

from collections.abc import Iterable
from pathlib import Path

from carveout.carving.ratchet import baseline as file
from carveout.carving.ratchet.allowed_unread import not_allowed
from carveout.carving.ratchet.baseline import Baseline
from carveout.carving.ratchet.codeowners import FileOwners
from carveout.carving.ratchet.comparison import Comparison, compare, known_names
from carveout.carving.ratchet.entry import Entry
from carveout.carving.ratchet.new_coupling import NewCoupling
from carveout.carving.survey.project import SHELL, Project
from carveout.carving.survey.result import Survey
from carveout.errors import BaselineInvalid


class Ratchet:
    """One survey and one baseline; only `write` and `accept` change the file.

    Raises: BaselineInvalid, if the file exists and can't be read.
    """

    def __init__(
        self,
        project: Project,
        found: Survey,
        path: Path,
        merge: bool = False,
        allow: Iterable[str] = (),
        strict: bool = False,
    ) -> None:
        """allow: names of what may stay unread, in addition to those that the baseline lists.

        strict: count unsure couplings as new too.
        """
        self.strict = strict
        self.project = project
        self.found = found
        self.path = path
        self.exists = path.exists()
        self.baseline = file.read(path, merge) if self.exists else self._first()
        self.comparison: Comparison = compare(found, self.baseline, project)
        self.allowed = {*allow, *self.baseline.allowed}
        self.unread = not_allowed(found.unread, self.allowed)

    def new(self) -> list[NewCoupling]:
        root = self.project.root
        owners = FileOwners(root)
        new = sorted([*self.comparison.new, *(self.comparison.inferred if self.strict else ())])
        return [NewCoupling(entry, self.found, self.comparison, owners, root) for entry in new]

    def write(self) -> None:
        """Lists all couplings the first time; later removes those that are gone and renames."""
        if not self.exists:
            self._add([*self.comparison.new, *self.comparison.inferred])
        self._shrink()
        self._write()

    def accept(self, names: Iterable[str]) -> list[Entry]:
        """Lists new couplings: all of them, or those named by an entry or by one of its symbols.

        Returns: what was listed. Raises: BaselineInvalid, if no new coupling has such a name.
        """
        accepted = self._named(list(names))
        self._shrink()
        self._add(accepted)
        self._write()
        return accepted

    def _write(self) -> None:
        """Raises: BaselineInvalid, if it can't be written there."""
        unread = [each for each in self.found.unread if each not in self.unread]
        self.baseline.allow(each.id for each in unread)
        file.write(self.path, self.baseline)

    def _first(self) -> Baseline:
        first = Baseline()
        first.kernels = {*self.found.kernels}
        return first

    def _shrink(self) -> None:
        for old, new in self.comparison.moved.items():
            self.baseline.rename(old, new)
        self.baseline.take_out(self.comparison.gone)

    def _add(self, entries: Iterable[Entry]) -> None:
        self.baseline.add(entries)
        self.baseline.apps = self.found.contexts.keys() - {SHELL}
        self.baseline.kernels = self.comparison.kernels
        self.baseline.names = known_names(self.found, self.project, self.baseline.entries)

    def _named(self, names: list[str]) -> list[Entry]:
        new = [*self.comparison.new, *self.comparison.inferred]
        for name in names:
            if not any(_is_named(entry, name) for entry in new):
                raise BaselineInvalid(
                    f"No new coupling is named {name!r}. {self.path} is unchanged."
                )
        return [each for each in new if not names or any(_is_named(each, name) for name in names)]


def _is_named(entry: Entry, name: str) -> bool:
    return name in (str(entry), " -> ".join(entry.symbols), *entry.symbols)
