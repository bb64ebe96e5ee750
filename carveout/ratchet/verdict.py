"""The verdict: what is new, gone or moved, of the entries of the code and of the baseline."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from carveout.ratchet.baseline import Baseline
from carveout.ratchet.entry import Entry
from carveout.ratchet.names import related
from carveout.ratchet.present import Present, present
from carveout.ratchet.renames import Moved, Renames
from carveout.ratchet.symbols import Symbols
from carveout.survey.found import Survey
from carveout.survey.project import Project


class Verdict(NamedTuple):
    """`new` are sure; what was only guessed from names alarms nobody, but can be in a baseline."""

    new: list[Entry]
    guessed: list[Entry]
    gone: list[Entry]
    moved: Moved
    held: list[Entry]
    """Gone, perhaps only since a file could not be read."""
    present: Present
    kernels: set[str]


def verdict(found: Survey, baseline: Baseline, project: Project) -> Verdict:
    kernels = _kernels(found, baseline)
    now = present(found, kernels)
    known = set(baseline.entries)
    new = [entry for entry in now if entry not in known]
    missing = sorted(known - now.keys() - {*_whole_modules(now)})
    moved = _moved(found, baseline, project, missing, new)
    new = sorted({*new} - {*moved.values()})
    gone = [entry for entry in missing if entry not in moved]
    held = [entry for entry in gone if _is_unread(entry, found.unread)]
    return Verdict(
        new=[entry for entry in new if now[entry].sure],
        guessed=[entry for entry in new if not now[entry].sure],
        gone=[entry for entry in gone if entry not in held],
        moved=moved,
        held=held,
        present=now,
        kernels=kernels,
    )


def resembling(entry: Entry, gone: Iterable[Entry]) -> Entry | None:
    """What is gone and differs in one symbol only: perhaps the same, but nothing proves it."""
    for old in gone:
        same = [one == other for one, other in zip(old.symbols, entry.symbols, strict=True)]
        if old.kind == entry.kind and any(same):
            return old
    return None


def known_names(found: Survey, project: Project, entries: Iterable[Entry]) -> set[str]:
    """What the code has by name now, as far as it helps to tell renamed symbols of entries."""
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
    """Those of the baseline; one that is gone lives on in one that has come with a new label."""
    stays = baseline.kernels & found.contexts.keys()
    lost = baseline.kernels - stays
    return stays | {label for label in found.kernels if lost and label not in baseline.apps}


def _whole_modules(now: Iterable[Entry]) -> Iterator[Entry]:
    """`import goods.models` goes unseen beside `from goods.models import Product`: it may stay."""
    for entry in now:
        if entry.kind.endswith("import"):
            yield entry._replace(target=entry.target.rpartition(".")[0])


def _is_unread(entry: Entry, unread: Iterable[str]) -> bool:
    """Did a file that could not be read hold it, or can the URLs not be loaded?"""
    for each in unread:
        file = each.partition(":")[0]
        module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if f".{module}." in f".{entry.source}." or file.endswith(entry.source):
            return True
        if "/" not in file and not file.endswith(".py") and entry.kind in ("url", "admin"):
            return True
    return False
