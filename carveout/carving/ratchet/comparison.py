"""Compares the entries of the code with those of the baseline: what is new, gone or moved."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from carveout.carving.ratchet.baseline import Baseline
from carveout.carving.ratchet.current_entries import Present, present
from carveout.carving.ratchet.entry import Entry
from carveout.carving.ratchet.renames import Moved, Renames
from carveout.carving.ratchet.symbol_names import related
from carveout.carving.ratchet.symbols import Symbols
from carveout.carving.survey.project import Project
from carveout.carving.survey.result import Survey
from carveout.carving.survey.unread import (
    ADMIN,
    APP,
    FIELD,
    FILE,
    FIXTURE,
    FOLDER,
    KIND,
    LOADER,
    MANAGER,
    MODEL,
    RECEIVER,
    TAGS,
    TEMPLATE,
    URL,
    URLS,
    Gap,
)

HOLDING = {
    **dict.fromkeys((FILE, TEMPLATE, FIXTURE), ()),
    **dict.fromkeys((MODEL, FIELD, MANAGER), ("relation", "query", "admin", "binding", "string")),
    **dict.fromkeys((URLS, URL), ("url", "admin", "receiver")),
    RECEIVER: ("receiver",),
    ADMIN: ("admin", "query"),
    APP: ("fork", "migration"),
    **dict.fromkeys((TAGS, LOADER), ("template", "url", "query", "string")),
    FOLDER: ("template", "url", "query", "string", "import"),
}
"""Kinds of couplings that may be missing, by kind of what could not be read; empty for files,
which hide only their own."""


class Comparison(NamedTuple):
    """`new` are sure; couplings inferred from names alone do not fail, but may be in a baseline."""

    new: list[Entry]
    inferred: list[Entry]
    gone: list[Entry]
    moved: Moved
    held: list[Entry]
    """Gone, but perhaps only because a file could not be read."""
    present: Present
    kernels: set[str]


def compare(found: Survey, baseline: Baseline, project: Project) -> Comparison:
    kernels = _kernels(found, baseline)
    now = present(found, kernels)
    known = set(baseline.entries)
    new = [entry for entry in now if entry not in known]
    missing = sorted(known - now.keys() - {*_whole_modules(now)})
    moved = _moved(found, baseline, project, missing, new)
    new = sorted({*new} - {*moved.values()})
    gone = [entry for entry in missing if entry not in moved]
    held = [entry for entry in gone if _is_unread(entry, found.unread)]
    return Comparison(
        new=[entry for entry in new if now[entry].sure],
        inferred=[entry for entry in new if not now[entry].sure],
        gone=[entry for entry in gone if entry not in held],
        moved=moved,
        held=held,
        present=now,
        kernels=kernels,
    )


def resembling(entry: Entry, gone: Iterable[Entry]) -> Entry | None:
    """A gone entry that differs in one symbol only: perhaps the same one, but that is not sure."""
    for old in gone:
        same = [one == other for one, other in zip(old.symbols, entry.symbols, strict=True)]
        if old.kind == entry.kind and any(same):
            return old
    return None


def known_names(found: Survey, project: Project, entries: Iterable[Entry]) -> set[str]:
    """Names that the code defines now, as far as they help to detect renamed symbols of entries."""
    symbols = {symbol for entry in entries for symbol in entry.symbols}
    return {*related(Symbols(project, found.couplings).defined, symbols)} if symbols else set()


def _moved(
    found: Survey, baseline: Baseline, project: Project, missing: list[Entry], new: list[Entry]
) -> Moved:
    if not missing or not new:
        return {}
    in_use = {symbol for entry in baseline.entries for symbol in entry.symbols}
    before = baseline.names | in_use
    symbols = Symbols(project, found.couplings)
    return Renames(symbols, before, baseline.apps, found.contexts).match(missing, new)


def _kernels(found: Survey, baseline: Baseline) -> set[str]:
    """Kernels of the baseline; one that is gone is replaced by new kernels with a new label."""
    stays = baseline.kernels & found.contexts.keys()
    lost = baseline.kernels - stays
    return stays | {label for label in found.kernels if lost and label not in baseline.apps}


def _whole_modules(now: Iterable[Entry]) -> Iterator[Entry]:
    """Entries for whole modules. The survey does not list `import goods.models` next to
    `from goods.models import Product`, so such an entry may stay."""
    for entry in now:
        if entry.kind.endswith("import"):
            yield entry._replace(target=entry.target.rpartition(".")[0])


def _is_unread(entry: Entry, unread: Iterable[Gap]) -> bool:
    """Whether the entry may be in something that could not be read."""
    return any(_may_hold(each, entry) for each in unread)


def _may_hold(gap: Gap, entry: Entry) -> bool:
    if gap.kind not in HOLDING:
        return gap.kind == KIND
    if HOLDING[gap.kind]:
        return entry.kind.partition(" ")[0] in HOLDING[gap.kind]
    module = gap.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return f".{module}." in f".{entry.source}." or gap.name.endswith(entry.source)
