"""Detects which new entries are old ones whose code was renamed or moved.

A symbol has moved if the code no longer has the old name, did not have the new name when the
baseline was written, and the two are alike: they differ in one part only, or in all but the end.
An import has also moved if something that was defined in the old module is now defined in the new
one. An entry has moved if its kind is the same, and each of its symbols and apps is the same or
moved. One old entry matches at most one new entry.
"""

from collections.abc import Iterable, Mapping
from functools import cache, cached_property

from carveout.carving.ratchet.entry import FOR_TYPES_ONLY, Entry
from carveout.carving.ratchet.symbol_names import alike
from carveout.carving.ratchet.symbols import Symbols

Moved = dict[Entry, Entry]
"""From old to new."""


class Renames:
    """`before` and `apps`: the names and the apps at the time the baseline was written."""

    def __init__(
        self, symbols: Symbols, before: set[str], apps: set[str], contexts: Mapping[str, str]
    ) -> None:
        self.symbols = symbols
        self.before = before
        self.apps = apps
        self.contexts = contexts
        self._moved = cache(self._symbol_moved)

    def match(self, gone: Iterable[Entry], new: Iterable[Entry]) -> Moved:
        """Matches as many entries as possible, one to one; those with fewer changes first."""
        olds: dict[str, list[Entry]] = {}
        for old in gone:
            olds.setdefault(old.kind, []).append(old)
        candidates = {each: self._candidates(each, olds) for each in new}
        taken: Moved = {}
        for each in sorted(candidates, key=lambda one: len(candidates[one])):
            _augment(each, candidates, taken, set())
        return taken

    def _candidates(self, new: Entry, olds: Mapping[str, list[Entry]]) -> list[Entry]:
        kinds = [new.kind, "import"] if new.kind == FOR_TYPES_ONLY else [new.kind]
        found = [old for kind in kinds for old in olds.get(kind, ()) if self.is_moved(old, new)]
        return sorted(found, key=lambda old: (_differences(old, new), old))

    def is_moved(self, old: Entry, new: Entry) -> bool:
        return (
            self._app_moved(old.source_app, new.source_app)
            and self._app_moved(old.target_app, new.target_app)
            and self._moved(old.target, new.target)
            and (self._moved(old.source, new.source) or self._code_moved(old.source, new.source))
        )

    def _symbol_moved(self, old: str, new: str) -> bool:
        if old == new:
            return True
        if not alike(old, new):
            return False
        renamed = not self.symbols.has(old) and new not in self.before
        return renamed or self.symbols.same(old, new)

    def _code_moved(self, old: str, new: str) -> bool:
        """Whether anything that was in the old module is now in the new one instead."""
        now = self.symbols.defined
        return any(
            f"{new}.{name}" in now and f"{old}.{name}" not in now
            for name in self._before_in.get(old, ())
            if f"{new}.{name}" not in self.before
        )

    @cached_property
    def _before_in(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for symbol in self.before:
            module, _, name = symbol.rpartition(".")
            found.setdefault(module, set()).add(name)
        return found

    def _app_moved(self, old: str, new: str) -> bool:
        """Whether it moved to another app of the same context, or its app has a new label."""
        if old in self.contexts:
            return self.contexts[old] == self.contexts.get(new)
        return old == new or new not in self.apps


def _differences(old: Entry, new: Entry) -> int:
    return sum(map(str.__ne__, old, new))


def _augment(
    new: Entry, candidates: Mapping[Entry, list[Entry]], taken: Moved, tried: set[Entry]
) -> bool:
    """Matches `new` with an old entry, if necessary one whose current match can take another."""
    for old in candidates[new]:
        if old not in tried:
            tried.add(old)
            if old not in taken or _augment(taken[old], candidates, taken, tried):
                taken[old] = new
                return True
    return False
