"""Turns couplings into entries, as the baseline lists them: by kind and symbols."""

from collections.abc import Iterator
from typing import NamedTuple

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.facts import FOR_TYPES

FOR_TYPES_ONLY = "type import"


class Entry(NamedTuple):
    """`source` needs `target`; apps by label. Finer than a coupling: one for each imported name."""

    source_app: str
    target_app: str
    kind: str
    source: str
    target: str

    @property
    def pair(self) -> tuple[str, str]:
        return self.source_app, self.target_app

    @property
    def symbols(self) -> tuple[str, str]:
        return self.source, self.target

    def __str__(self) -> str:
        return f"{self.kind}: {self.source} -> {self.target}"


def entries(coupling: Coupling) -> Iterator[Entry]:
    """One entry for each imported name, and for each signal that is received.

    Migrations of an app count as one: each change to a field of another app's class, or to a
    relation to its models, adds a migration that imports or depends on the same.
    """
    apps = coupling.source, coupling.target
    if coupling.kind == "migration":
        yield Entry(*apps, "migration", *apps)
        return
    source = _in_a_line(coupling.source_symbol)
    if coupling.kind == "import" and coupling.in_migrations:
        source = f"{coupling.source}.migrations"
    for kind, target in _needed(coupling):
        yield Entry(*apps, kind, source, _in_a_line(target))


def _needed(coupling: Coupling) -> Iterator[tuple[str, str]]:
    """The kind and the target of each entry."""
    kind, target = coupling.kind, coupling.target_symbol
    if kind == "import":
        kind = FOR_TYPES_ONLY if coupling.form == FOR_TYPES else kind
        for name in coupling.listed("names") or [""]:
            yield kind, f"{target}.{name}".rstrip(".")
    elif kind == "receiver":
        for signal in coupling.listed("signals") or [""]:
            own = f".{target}".endswith(f".{signal}")
            yield kind if own else f"{kind} {signal}", target
    else:
        yield kind, target


def _in_a_line(symbol: str) -> str:
    return " ".join(symbol.split())
