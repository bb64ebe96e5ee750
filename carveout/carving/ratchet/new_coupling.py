"""Describes a new coupling: where it is, its owner, what it couples, and its fix."""

import ast
from collections.abc import Iterator
from pathlib import Path

from carveout.carving.plan.cut import cut
from carveout.carving.ratchet.codeowners import FileOwners
from carveout.carving.ratchet.comparison import Comparison, resembling
from carveout.carving.ratchet.entry import Entry
from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.result import Survey


class NewCoupling:
    """An entry that the baseline lacks, with what a person needs to know to fix it."""

    def __init__(
        self, entry: Entry, found: Survey, comparison: Comparison, owners: FileOwners, root: Path
    ) -> None:
        self.entry = entry
        self.coupling = comparison.present[entry]
        self.contexts = found.pair(self.coupling)
        self.owners = owners.of(self.coupling.file)
        self.owners_file = owners.file
        in_file = _line_of_name(entry, self.coupling, root / self.coupling.file)
        self.line = in_file or self.coupling.line
        self.resembles = resembling(entry, comparison.gone)

    @property
    def headline(self) -> str:
        return f"{self.place}: {self.text}"

    @property
    def place(self) -> str:
        return f"{self.coupling.file}:{self.line}"

    @property
    def text(self) -> str:
        source, target = self.contexts
        form = f" ({self.coupling.form})" if self.coupling.form else ""
        return f"{source} needs {target}, {self.entry}{form}"

    @property
    def advice(self) -> list[str]:
        return list(self._advice())

    def _advice(self) -> Iterator[str]:
        if self.owners:
            yield f"owner: {' '.join(self.owners)}"
        elif self.owners_file:
            yield f"owner: none in {self.owners_file}"
        fix = cut(self.coupling)
        command = f" `{fix.command}`" if fix.command else ""
        yield f"fix: {fix.text}{command}"
        if self.resembles:
            yield (
                f"{self.resembles} is gone. If this is the same coupling renamed, run"
                " `survey --accept`."
            )


def _line_of_name(entry: Entry, coupling: Coupling, path: Path) -> int:
    """The line that imports that name, or 0. A coupling has its first name's only."""
    if not entry.kind.endswith("import"):
        return 0
    module, _, name = entry.target.rpartition(".")
    found = [
        alias.lineno
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.ImportFrom)
        and module.endswith((node.module or "").rpartition(".")[2])
        for alias in node.names
        if alias.name == name and alias.lineno >= coupling.line
    ]
    return min(found, default=0)
