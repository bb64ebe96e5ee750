"""Reads the facts of every first-party Python file, each file once."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from enum import Enum
from functools import cached_property
from inspect import getattr_static, unwrap
from pathlib import Path
from tokenize import detect_encoding
from types import FunctionType
from typing import Any, TypeVar

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.facts import Call, Definition, Facts
from carveout.carving.survey.module_files import modules
from carveout.carving.survey.project import Project
from carveout.carving.survey.unread import FILE, Gap, attributes

Found = TypeVar("Found")
NO_FACTS = Facts("")


def encoding_of(path: Path) -> str:
    """The encoding that a Python file declares; without a declaration, UTF-8.

    Source: https://peps.python.org/pep-0263/
    """
    with path.open("rb") as file:
        return detect_encoding(file.readline)[0]


def loaded_object(name: str) -> Any:
    """The object that a dotted name stands for; None if its module is not loaded."""
    module, rest = name, ""
    while module and module not in sys.modules:
        module, _, last = module.rpartition(".")
        rest = f"{last}.{rest}"
    found: Any = sys.modules.get(module)
    for part in filter(None, rest.split(".")):
        found = getattr_static(found, part, None)
    return found


class SourceFile:
    """One file: its facts, and its app."""

    def __init__(
        self, facts: Facts, path: Path, file: str, app: str, in_tests: bool = False
    ) -> None:
        self.facts = facts
        self.path = path
        self.file = file
        self.app = app
        self.in_tests = in_tests
        self.migration = ".migrations." in f".{facts.module}."

    @cached_property
    def text(self) -> str:
        return self.path.read_bytes().decode(encoding_of(self.path))

    def symbol(self, scope: str) -> str:
        """The dotted name of a class or function of this file; empty stands for the module."""
        if self.migration:
            return f"{self.app}.{self.facts.module.rpartition('.')[2]}"
        return f"{self.facts.module}.{scope}" if scope else self.facts.module

    def coupling(self, line: int, scope: str, **fields: Any) -> Coupling:
        """A coupling at this line, in this scope. fields: the other fields of the coupling."""
        symbol = self.symbol(scope)
        return Coupling(source=self.app, source_symbol=symbol, file=self.file, line=line, **fields)

    def line_of(self, text: str) -> int:
        """The first line that contains this text; 0 if none does."""
        lines = self.path.read_text("utf-8", errors="replace").splitlines()
        return next((number for number, line in enumerate(lines, 1) if text in line), 0)


class Sources:
    """All source files by module; files that can't be parsed are noted and left out."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.by_module: dict[str, SourceFile] = {}
        self._outside: dict[str, Facts] = {}
        for module, path in modules(project):
            self._take(module, path)

    def __iter__(self) -> Iterator[SourceFile]:
        return iter(self.by_module.values())

    def each(self, find: Callable[[SourceFile], Iterable[Found]]) -> Iterator[Found]:
        """What `find` gives for each file; only a file that raises is left out."""
        return self.project.gaps.each(FILE, self, lambda source: source.file, find)

    @property
    def unread(self) -> list[Gap]:
        """What could not be read of the project until now."""
        return self.project.gaps.all(self.defined)

    def calls(self, name: str) -> list[tuple[SourceFile, Call]]:
        """Every call of a function or method of this name, and its file."""
        return self._calls.get(name, [])

    @cached_property
    def _calls(self) -> dict[str, list[tuple[SourceFile, Call]]]:
        found: dict[str, list[tuple[SourceFile, Call]]] = {}
        for source in self:
            for call in source.facts.calls:
                found.setdefault(call.last, []).append((source, call))
        return found

    def _take(self, module: str, path: Path) -> None:
        file = self.project.file(path)
        with self.project.gaps.around(FILE, file):
            facts = self._read(path, module, self.project.alias)
            app, in_tests = self.project.app_of(module), self.project.is_of_tests(file)
            self.by_module[module] = SourceFile(facts, path, file, app, in_tests)

    def _read(self, path: Path, module: str, alias: str = "") -> Facts:
        package = path.name == "__init__.py"
        return self.project.cache.facts(path.read_bytes(), module, package, alias)

    def plan(self, source: SourceFile, text: str) -> None:
        """Look at a file as if it had this text."""
        package = source.path.name == "__init__.py"
        module, alias = source.facts.module, self.project.alias
        content = text.encode(encoding_of(source.path))
        source.facts = self.project.cache.facts(content, module, package, alias)
        source.text = text

    def outside(self, module: str) -> Facts:
        """The facts of any loaded module, first-party or not."""
        if module in self.by_module:
            return self.by_module[module].facts
        if module not in self._outside:
            path = attributes(sys.modules.get(module)).get("__file__") or ""
            self._outside[module] = NO_FACTS
            with suppress(SyntaxError, ValueError, OSError, RecursionError):
                if path.endswith(".py"):
                    self._outside[module] = self._read(Path(path), module)
        return self._outside[module]

    def defined(self, name: str) -> tuple[str, Definition | None]:
        """The file of a dotted name and its definition there, as far as both are known.

        The name may be in a package that only re-exports it.
        """
        module = self.module_of(name.rpartition(".")[0])
        return (
            self._defined(self.by_module[module], name[len(module) + 1 :]) if module else ("", None)
        )

    def module_of(self, name: str) -> str:
        """The part of a dotted name that is a module; empty if no part is."""
        while name and name not in self.by_module:
            name = name.rpartition(".")[0]
        return name

    def _defined(self, source: SourceFile, rest: str) -> tuple[str, Definition | None]:
        definition = source.facts.definitions.get(rest)
        first = rest.partition(".")[0]
        home = self.origin(f"{source.facts.module}.{first}").rpartition(".")[0]
        if definition is None and home != source.facts.module and home in self.by_module:
            source = self.by_module[home]
            definition = source.facts.definitions.get(rest)
        return source.file, definition

    def own_definition(self, name: str) -> Definition | None:
        """The definition in the named module itself; None if it only imports the name."""
        module, _, rest = name.rpartition(".")
        source = self.by_module.get(module)
        return source.facts.definitions.get(rest) if source else None

    def is_function(self, name: str) -> bool:
        """Does a module of that app define this function or method? It may be inherited.

        A name that the module only imports does not count: `orders.models.hmac`.
        """
        _, definition = self.defined(name)
        if definition is not None and definition.function:
            return True
        loaded = loaded_object(name)
        if not issubclass(type(loaded), FunctionType | classmethod | staticmethod):
            return False  # type() instead of isinstance(), which would evaluate a lazy object
        of_class = issubclass(type(loaded), classmethod | staticmethod)
        home = unwrap(loaded.__func__ if of_class else loaded).__module__
        return home in self.by_module and self.by_module[home].app == self.project.app_of(name)

    def is_enum(self, name: str, steps: int = 4) -> bool:
        """Is this a class of constants: an enum, or Django's choices, which are enums too?"""
        name = self.origin(name)
        loaded = loaded_object(name)
        if issubclass(type(loaded), type) or not steps:
            return issubclass(type(loaded), type) and issubclass(loaded, Enum)
        module = self.module_of(name)
        facts = self.by_module[module].facts if module else NO_FACTS
        definition = facts.definitions.get(name[len(module) + 1 :])
        bases = definition.bases if definition else ()
        return any(self.is_enum(facts.resolve(each), steps - 1) for each in bases)

    def first_line(self, label: str) -> tuple[str, int]:
        """The start of an app's models, as a location for what no file defines."""
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
        """Where a name is defined that other modules re-export."""
        for _ in range(8):
            module, _, rest = name.rpartition(".")
            if name in self.by_module or module not in self.by_module:
                return name
            further = self.by_module[module].facts.names.get(rest, name)
            if further == name:
                return name
            name = further
        return name
