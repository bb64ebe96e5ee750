"""Renames: which new entry is an old one whose code was renamed or moved.

A symbol has moved if the code has none of the old name any more, had none of the new name when
the baseline was written, and the two are alike: they differ in one part only, or in all but the
end. What a module imports has also moved if something that was defined there is now defined where
the import is. An entry has moved if its kind is the same, and each of its symbols and apps is the
same or moved. One old entry stands for one new entry at most.
"""

from collections.abc import Iterable, Mapping
from functools import cache, cached_property

from carveout.ratchet.entry import FOR_TYPES_ONLY, Entry
from carveout.ratchet.names import alike
from carveout.ratchet.symbols import Symbols

Moved = dict[Entry, Entry]
"""From old to new."""


class Renames:
    """`before` are the names, and `apps` the apps, of when the baseline was written."""

    def __init__(
        self, symbols: Symbols, before: set[str], apps: set[str], contexts: Mapping[str, str]
    ) -> None:
        self.symbols = symbols
        self.before = before
        self.apps = apps
        self.contexts = contexts
        self._moved = cache(self._symbol_moved)

    def match(self, gone: Iterable[Entry], new: Iterable[Entry]) -> Moved:
        """As many as can be, one to one; of those alike, those with less changed come first."""
        olds: dict[str, list[Entry]] = {}
        for old in gone:
            olds.setdefault(old.kind, []).append(old)
        may_be = {each: self._candidates(each, olds) for each in new}
        taken: Moved = {}
        for each in sorted(may_be, key=lambda one: len(may_be[one])):
            _augment(each, may_be, taken, set())
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
        """Was anything in the one module that is now in the other instead?"""
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
        """To another app of the same context, or with an app that has a new label."""
        if old in self.contexts:
            return self.contexts[old] == self.contexts.get(new)
        return old == new or new not in self.apps


def _differences(old: Entry, new: Entry) -> int:
    return sum(map(str.__ne__, old, new))


def _augment(
    new: Entry, may_be: Mapping[Entry, list[Entry]], taken: Moved, tried: set[Entry]
) -> bool:
    """Give `new` an old entry, if need be one whose present holder can have another."""
    for old in may_be[new]:
        if old not in tried:
            tried.add(old)
            if old not in taken or _augment(taken[old], may_be, taken, tried):
                taken[old] = new
                return True
    return False
