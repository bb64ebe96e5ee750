"""Finds how a file uses what it imports."""

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from carveout.carving.survey.facts import AFTERWARDS, ALWAYS, Call, Import
from carveout.carving.survey.sources import SourceFile, Sources

STAR = "*"
CALLS, RESULTS, AT_START = WAYS = ("calls", "results", "at_start")
"""How a function is called: for what it does, for its return value, or as the process starts."""


class ImportUse(NamedTuple):
    """`name` is fully dotted, with the attributes after it; `scope` is where it is used."""

    name: str
    scope: str
    way: str = ""
    """One of `WAYS`, if it is called."""


class Uses:
    def __init__(self, source: SourceFile, sources: Sources) -> None:
        self.facts = source.facts
        self.sources = sources

    def calls(self, imported: Import, symbol: str) -> dict[str, list[str]]:
        """Functions and methods of the symbol that are called or passed on, by their real names.

        Each by the first of its `WAYS`.
        """
        found = dict[str, str]()
        for each in self._of(imported, symbol):
            function, rest = self._function(each.name) if each.way else ("", "")
            if function:
                way = self._way(each.way, rest)
                found[function] = min(way, found.get(function, way), key=WAYS.index)
        return {way: sorted(each for each in found if found[each] == way) for way in WAYS}

    def _way(self, way: str, rest: str) -> str:
        """rest: what is done with what is returned, such as `items` or `delay`."""
        if not rest or way == AT_START:
            return way
        return CALLS if rest in AFTERWARDS else RESULTS

    def functions(self, module: str, names: list[str]) -> list[str]:
        """The functions among these names, by their real names."""
        found = {self._function(f"{module}.{each}")[0] for each in names}
        return sorted(found - {""})

    def names(self, imported: Import, symbol: str) -> list[str]:
        """The names that are used from a module imported as a whole."""
        used = {self._split(each.name)[1] for each in self._of(imported, symbol)}
        return sorted({each.partition(".")[0] for each in used} - {""})

    def app_of(self, name: str) -> str:
        return self.sources.project.app_of(name)

    def constants(self, imported: Import, module: str, names: list[str]) -> list[str]:
        """The names that are enums, or of which only an enum is used.

        `Order.Status` stands for a model that is imported only for its choices.
        """
        inner: dict[str, set[str]] = {name: set() for name in names}
        for each in self._of(imported, module):
            name, _, rest = each.name[len(module) + 1 :].partition(".")
            inner.setdefault(name, set()).add(rest.partition(".")[0])
        found = []
        for name in names:
            full = f"{module}.{name}"
            if self.sources.is_enum(full):
                found.append(name)
            elif inner[name] and all(self._is_enum_in(full, each) for each in inner[name]):
                found += [f"{name}.{each}" for each in sorted(inner[name])]
        return found

    def _is_enum_in(self, holder: str, name: str) -> bool:
        return bool(name) and self.sources.is_enum(f"{holder}.{name}")

    # -- In the file ---------------------------------------------------------------------------

    def _of(self, imported: Import, symbol: str) -> Iterator[ImportUse]:
        scope, start = imported.place.scope, f"{symbol}."
        for each in self._all:
            below = not scope or f"{each.scope}.".startswith(f"{scope}.")
            if below and (each.name == symbol or each.name.startswith(start)):
                yield each

    @cached_property
    def _all(self) -> set[ImportUse]:
        """All uses of imported names; most names in a file are its own variables."""
        tops = {each.module.partition(".")[0] for each in self.facts.imports}
        return {each for each in self._uses() if each.name.partition(".")[0] in tops}

    def _uses(self) -> Iterator[ImportUse]:
        for each in self.facts.uses():
            scope, way = each.place.scope, self._called(each) if isinstance(each, Call) else ""
            yield ImportUse(self._resolved(each.name, scope), scope, way)
        for call in self.facts.calls:  # `on_commit(send_mail)` calls its argument
            for given in [*call.arguments, *call.keywords.values()]:
                scope = call.place.scope
                if given.startswith("=") and not self._is_result(given[1:], scope):
                    yield ImportUse(self._resolved(given[1:], scope), scope, CALLS)
        for scope, name in self.facts.bare:
            yield ImportUse(self._resolved(name, scope), scope)

    def _called(self, call: Call) -> str:
        if call.place.level == ALWAYS or self._is_ready(call.place.scope):
            return AT_START
        return CALLS if call.alone or call.is_later else RESULTS

    def _is_ready(self, scope: str) -> bool:
        """Whether it is `AppConfig.ready`, by the name of the base class."""
        holder, _, name = scope.rpartition(".")
        definition = self.facts.definitions.get(holder)
        return name == "ready" and any(
            each.endswith("Config") for each in (definition.bases if definition else ())
        )

    def _is_result(self, name: str, scope: str) -> bool:
        return self.facts.resolve(name, scope).endswith("()")

    def _resolved(self, name: str, scope: str) -> str:
        resolved = self._made(self.facts.resolve(name, scope)).replace("()", "")
        first = resolved.partition(".")[0]
        home = self._stars.get(first) if first not in self.facts.names else None
        return f"{home}.{resolved}" if home else resolved

    def _made(self, name: str) -> str:
        """The name, with an object that the module creates replaced by its class.

        For example `mailer = Mailer()`.
        """
        if not name.startswith(f"{self.facts.module}."):
            return name
        first, dot, rest = name[len(self.facts.module) + 1 :].partition(".")
        definition = self.facts.definitions.get(first)
        value = definition.value if definition else ""
        return f"{self.facts.resolve(value)}{dot}{rest}" if value.endswith("()") else name

    @cached_property
    def _stars(self) -> dict[str, str]:
        """By name that `from module import *` brings: the module."""
        modules = [each.module for each in self.facts.imports if each.name == STAR]
        known = [each for each in modules if each in self.sources.by_module]
        return {name: each for each in known for name in self.sources.by_module[each].facts.names}

    # -- In its home ---------------------------------------------------------------------------

    def _split(self, name: str) -> tuple[str, str]:
        """The module that defines a name, not one that re-exports it, and the rest of the name."""
        module = self.sources.module_of(name)
        first, dot, rest = name[len(module) + 1 :].partition(".")
        origin = self.sources.origin(f"{module}.{first}") if first else ""
        home = origin.rpartition(".")[0]
        if home != module and home in self.sources.by_module:
            return home, f"{origin.rpartition('.')[2]}{dot}{rest}"
        return module, f"{first}{dot}{rest}"

    def _function(self, name: str) -> tuple[str, str]:
        """The name up to the function or method, and the rest: what is done with its result."""
        module, rest = self._split(name)
        path = module
        parts = [*filter(None, rest.split("."))]
        for number, part in enumerate(parts, 1):
            is_in_module, path = path == module, f"{path}.{part}"
            _, definition = self.sources.defined(path)
            if self.sources.is_function(path):
                return path, ".".join(parts[number:])
            is_object = is_in_module and definition is not None and definition.value
            if not part[0].isupper() and not is_object:
                break
        return "", ""
