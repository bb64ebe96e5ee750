"""The survey of real monoliths beside what was read by hand in some of their files.

`read/<subject>.txt` has a row for each coupling in its scope, `kind | where | what`.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.monoliths.compared import Pairs, compare, of_kind
from tests.monoliths.subjects import SUBJECTS, found_of

READ = sorted((Path(__file__).parent / "read").glob("*.txt"))
LEAST = {"string": 0.95}
"""Of recall and of precision; of what is read from names alone less is asked."""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


class Read:
    """What somebody read in the files of a scope, by kind."""

    def __init__(self, path: Path) -> None:
        self.scopes: dict[str, list[str]] = {}
        self.rows: dict[str, Pairs] = {}
        for line in path.read_text().splitlines():
            if line.startswith("scope of "):
                kind, files = line.removeprefix("scope of ").split(": ")
                self.scopes[kind] = files.split()
            elif not line.startswith("#"):
                kind, where, what = line.split(" | ")
                self.rows.setdefault(kind, set()).add((where, what))

    def is_of(self, kind: str, each: dict[str, Any]) -> bool:
        """In the scope, neither in tests nor in migrations; strings were read in Python only."""
        file = each["file"]
        named = any(file == scope or file.startswith(f"{scope}/") for scope in self.scopes[kind])
        python = kind != "string" or file.endswith(".py")
        return named and python and not each["in_tests"] and "/migrations/" not in file


@pytest.mark.parametrize("path", READ, ids=lambda path: path.stem)
def test_couplings_are_those_that_were_read_by_hand(path):
    found = found_of(next(each for each in SUBJECTS if each.name == path.stem))
    read = Read(path)
    for kind, rows in read.rows.items():
        where = "file" if kind == "string" else "source_symbol"
        surveyed = {
            (each[where], each["target_symbol"])
            for each in of_kind(found, kind)
            if read.is_of(kind, each) and each["target"] in found.survey["contexts"]
        }
        compare(found, f"{kind}, read by hand", surveyed, rows, LEAST.get(kind, 0.9))
