"""What is said of a new coupling: where, whose, what it entangles, and its mend."""

import ast
from collections.abc import Iterator
from pathlib import Path

from carveout.plan.cut import cut
from carveout.ratchet.entry import Entry
from carveout.ratchet.owners import Owners
from carveout.ratchet.verdict import Verdict, resembling
from carveout.survey.coupling import Coupling
from carveout.survey.found import Survey


class NewCoupling:
    """An entry that the baseline lacks, with what a person needs to know to mend it."""

    def __init__(
        self, entry: Entry, found: Survey, told: Verdict, owners: Owners, root: Path
    ) -> None:
        self.entry = entry
        self.coupling = told.present[entry]
        self.contexts = found.pair(self.coupling)
        self.owners = owners.of(self.coupling.file)
        self.owners_file = owners.file
        in_file = _line_of_name(entry, self.coupling, root / self.coupling.file)
        self.line = in_file or self.coupling.line
        self.resembles = resembling(entry, told.gone)

    @property
    def headline(self) -> str:
        source, target = self.contexts
        form = f" ({self.coupling.form})" if self.coupling.form else ""
        return f"{self.coupling.file}:{self.line}: {source} needs {target}, {self.entry}{form}"

    @property
    def advice(self) -> list[str]:
        return list(self._advice())

    def _advice(self) -> Iterator[str]:
        if self.owners:
            yield f"owner: {' '.join(self.owners)}"
        elif self.owners_file:
            yield f"owner: nobody, says {self.owners_file}"
        mend = cut(self.coupling)
        command = f" `{mend.command}`" if mend.command else ""
        yield f"mend: {mend.text}{command}"
        if self.resembles:
            yield (
                f"{self.resembles} is gone. If this is it, renamed, and not another in its place,"
                " accept it."
            )


def _line_of_name(entry: Entry, coupling: Coupling, path: Path) -> int:
    """Where that name is imported; 0 if it is none. A coupling tells only its first name's."""
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
