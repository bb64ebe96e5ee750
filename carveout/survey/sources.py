"""Sources: the facts of every first-party Python file; each file is read once."""

import sys
from collections.abc import Iterator
from enum import Enum
from functools import cached_property
from inspect import getattr_static
from pathlib import Path
from types import FunctionType
from typing import Any

from carveout.survey.coupling import Coupling, is_of_tests
from carveout.survey.facts import Call, Definition, Facts
from carveout.survey.modules import modules
from carveout.survey.project import Project

NO_FACTS = Facts("")


def _loaded(name: str) -> Any:
    """What a dotted name stands for, as far as its module is loaded; else None."""
    module, rest = name, ""
    while module and module not in sys.modules:
        module, _, last = module.rpartition(".")
        rest = f"{last}.{rest}"
    found: Any = sys.modules.get(module)
    for part in filter(None, rest.split(".")):
        found = getattr_static(found, part, None)
    return found


class Source:
    """One file: its facts, and the app that it is in."""

    def __init__(self, facts: Facts, path: Path, file: str, app: str) -> None:
        self.facts = facts
        self.path = path
        self.file = file
        self.app = app
        self.migration = ".migrations." in f".{facts.module}."

    def symbol(self, scope: str) -> str:
        """The dotted name of a class or function of this file; empty stands for the module."""
        if self.migration:
            return f"{self.app}.{self.facts.module.rpartition('.')[2]}"
        return f"{self.facts.module}.{scope}" if scope else self.facts.module

    def coupling(self, line: int, scope: str, **told: Any) -> Coupling:
        """One that begins at this line, in this scope. told: the other fields of a coupling."""
        symbol = self.symbol(scope)
        return Coupling(source=self.app, source_symbol=symbol, file=self.file, line=line, **told)

    @property
    def in_tests(self) -> bool:
        return is_of_tests(self.file)

    def line_of(self, text: str) -> int:
        """The first line that holds this text; 0 if there is none."""
        lines = self.path.read_text("utf-8", errors="replace").splitlines()
        return next((number for number, line in enumerate(lines, 1) if text in line), 0)


class Sources:
    """All of them by module; `unread` are the files that no Python could read."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.by_module: dict[str, Source] = {}
        self.unread: list[str] = []
        self._outside: dict[str, Facts] = {}
        for module, path in modules(project):
            self._take(module, path)

    def __iter__(self) -> Iterator[Source]:
        return iter(self.by_module.values())

    def calls(self, name: str) -> list[tuple[Source, Call]]:
        """Every call of a function or method of this name, and the file where it is."""
        return self._calls.get(name, [])

    @cached_property
    def _calls(self) -> dict[str, list[tuple[Source, Call]]]:
        found: dict[str, list[tuple[Source, Call]]] = {}
        for source in self:
            for call in source.facts.calls:
                found.setdefault(call.last, []).append((source, call))
        return found

    def _take(self, module: str, path: Path) -> None:
        file = self.project.file(path)
        facts = self._read(path, module, self.project.alias)
        if facts is None:
            self.unread.append(file)
        else:
            self.by_module[module] = Source(facts, path, file, self.project.app_of(module))

    def _read(self, path: Path, module: str, alias: str = "") -> Facts | None:
        package = path.name == "__init__.py"
        try:
            return self.project.cache.facts(path.read_bytes(), module, package, alias)
        except (SyntaxError, ValueError, OSError, RecursionError):
            return None

    def outside(self, module: str) -> Facts:
        """The facts of any module that is loaded, first-party or not."""
        if module in self.by_module:
            return self.by_module[module].facts
        if module not in self._outside:
            path = getattr(sys.modules.get(module), "__file__", None) or ""
            facts = self._read(Path(path), module) if path.endswith(".py") else None
            self._outside[module] = facts or NO_FACTS
        return self._outside[module]

    def defined(self, name: str) -> tuple[str, Definition | None]:
        """The file of a dotted name and its definition there, as far as both are known.

        A class may say that it is of a package, which only passes it on.
        """
        module = self.module_of(name.rpartition(".")[0])
        return (
            self._defined(self.by_module[module], name[len(module) + 1 :]) if module else ("", None)
        )

    def module_of(self, name: str) -> str:
        """The file of a dotted name: as much of it as names a module; empty if nothing does."""
        while name and name not in self.by_module:
            name = name.rpartition(".")[0]
        return name

    def _defined(self, source: Source, rest: str) -> tuple[str, Definition | None]:
        definition = source.facts.definitions.get(rest)
        first = rest.partition(".")[0]
        home = self.origin(f"{source.facts.module}.{first}").rpartition(".")[0]
        if definition is None and home != source.facts.module and home in self.by_module:
            source = self.by_module[home]
            definition = source.facts.definitions.get(rest)
        return source.file, definition

    def own_definition(self, name: str) -> Definition | None:
        """The definition in this very module; None if it only imports the name."""
        module, _, rest = name.rpartition(".")
        source = self.by_module.get(module)
        return source.facts.definitions.get(rest) if source else None

    def is_function(self, name: str) -> bool:
        """Is this a function or a method, also one that its class inherits?"""
        _, definition = self.defined(name)
        if definition is not None and not definition.value and not definition.bases:
            return not name.rpartition(".")[2][0].isupper()
        return isinstance(_loaded(name), FunctionType | classmethod | staticmethod)

    def is_enum(self, name: str, steps: int = 4) -> bool:
        """Is this a class of constants: an enum, or choices of Django's, which are enums too?"""
        name = self.origin(name)
        loaded = _loaded(name)
        if isinstance(loaded, type) or not steps:
            return isinstance(loaded, type) and issubclass(loaded, Enum)
        module = self.module_of(name)
        facts = self.by_module[module].facts if module else NO_FACTS
        definition = facts.definitions.get(name[len(module) + 1 :])
        bases = definition.bases if definition else ()
        return any(self.is_enum(facts.resolve(each), steps - 1) for each in bases)

    def first_line(self, label: str) -> tuple[str, int]:
        """Where an app's models begin: for what no file defines."""
        module = self.project.apps[label].module
        source = self.by_module.get(f"{module}.models") or self.by_module.get(module)
        return (source.file, 1) if source else ("", 0)

    def exists(self, name: str) -> bool:
        """Is this a module, or a name at the top of one?"""
        if name in self.by_module:
            return True
        module, _, rest = name.rpartition(".")
        return module in self.by_module and rest in self.by_module[module].facts.names

    def origin(self, name: str) -> str:
        """Where a name is defined that other modules pass on."""
        for _ in range(8):
            module, _, rest = name.rpartition(".")
            if name in self.by_module or module not in self.by_module:
                return name
            further = self.by_module[module].facts.names.get(rest, name)
            if further == name:
                return name
            name = further
        return name
