"""Finds declarations in modules that no process imports, by reading the sources.

Django imports an app's models, and Carveout its events, lookups and subscribers. A handler in
another module, which none of these imports, would be lost silently.
"""

import ast
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from django.apps import AppConfig, apps

from carveout.conf import Settings, code_locations
from carveout.conf.test_files import is_of_tests
from carveout.events import declarations

_CALLS = {"subscribe": "subscribers", "upcast": "events", "lookup": "lookups"}
_BASES = {"Event": "events", "Lookup": "lookups"}
"""Decorators and classes that declare something, and the modules where they belong."""
_WORDS = re.compile("|".join(rf"\b{word}\b" for word in _CALLS | _BASES).encode())
_ELSEWHERE = {"migrations", "node_modules", "static", "templates", "__pycache__"}


class FoundDeclaration(NamedTuple):
    """A declaration in a source file. `loose`: a decorator without its @."""

    name: str
    home: str
    line: int
    loose: bool = False
    reads: bool = False
    """Whether it only reads what other contexts offer."""


class AppModule:
    """A module of an app, as its source file declares it."""

    def __init__(self, path: Path, module: str, app: str) -> None:
        self.path = path
        self.module = module
        self.app = app

    @property
    def where(self) -> str:
        path, root = self.path.resolve(), code_locations.root()
        return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()

    @cached_property
    def declared(self) -> list[FoundDeclaration]:
        tree = self.parsed_if(_may_declare)
        return sorted(_declared(tree), key=lambda found: found.line) if tree else []

    def parsed_if(self, may_matter: Callable[[bytes], bool]) -> ast.Module | None:
        """The syntax tree; None if its text does not matter, or if it can't be read."""
        try:
            text = self.path.read_bytes()
            return ast.parse(text) if may_matter(text) else None
        except (OSError, SyntaxError, ValueError):  # Python reports it if anything imports it
            return None


def _may_declare(text: bytes) -> bool:
    """Whether a file has to be parsed: most name neither Carveout nor anything that declares."""
    return b"carveout" in text and bool(_WORDS.search(text))


def unread(
    modules: Iterable[AppModule], settings: Settings
) -> Iterator[tuple[AppModule, str, list[FoundDeclaration]]]:
    """Modules with declarations that nothing imported, and the hosted context of each, or ""."""
    imported = {getattr(module, "__file__", None) for module in [*sys.modules.values()]}
    for source in modules:
        context = settings.context_of(source.module)
        if context and not settings.hosts(context.name):
            continue
        if str(source.path) not in imported and source.declared:
            yield source, context.name if context else "", source.declared


def loose(modules: Iterable[AppModule]) -> Iterator[tuple[AppModule, FoundDeclaration]]:
    """Decorators without their @."""
    for source in modules:
        for found in source.declared:
            if found.loose:
                yield source, found


def modules_of(settings: Settings) -> list[AppModule]:
    """The modules of all apps, without tests and migrations.

    Of installed packages in no context, only the modules that a context would have.
    """
    found: dict[Path, AppModule] = {}
    for config in apps.get_app_configs():
        if config.name == "carveout":
            continue
        folder = Path(config.path)
        foreign = code_locations.PACKAGES & {*folder.parts} and not settings.context_of(config.name)
        paths = _declarations_of(folder) if foreign else _modules_below(folder)
        for path in paths:
            found.setdefault(path, _source(path, folder, config))
    return list(found.values())


def _source(path: Path, folder: Path, config: AppConfig) -> AppModule:
    parts = path.relative_to(folder).with_suffix("").parts
    names = parts[:-1] if parts[-1] == "__init__" else parts
    return AppModule(path, ".".join((config.name, *names)), config.name)


def _declarations_of(folder: Path) -> Iterator[Path]:
    for name in declarations.MODULES:
        for path in (folder / f"{name}.py", folder / name / "__init__.py"):
            if path.is_file():
                yield path


def _modules_below(folder: Path) -> Iterator[Path]:
    for below, folders, files in os.walk(folder):
        folders[:] = [
            each
            for each in folders
            if each not in _ELSEWHERE | code_locations.PACKAGES and each[0] != "."
        ]
        for file in files:
            path = Path(below, file)
            if file.endswith(".py") and not is_of_tests(path.relative_to(folder).as_posix()):
                yield path


def _declared(tree: ast.Module) -> Iterator[FoundDeclaration]:
    modules, names = _imported(tree)

    def meant(node: ast.expr) -> str:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            return node.attr if node.value.id in modules else ""
        return names.get(node.id, "") if isinstance(node, ast.Name) else ""

    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for each in node.decorator_list:
                called = each.func if isinstance(each, ast.Call) else each
                if meant(called) in _CALLS:
                    yield FoundDeclaration(node.name, _CALLS[meant(called)], node.lineno)
        if isinstance(node, ast.ClassDef):
            for base in map(meant, node.bases):
                if base in _BASES:
                    yield FoundDeclaration(
                        node.name, _BASES[base], node.lineno, reads=base == "Lookup"
                    )
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            name = meant(node.value.func)
            if name in _CALLS:
                yield FoundDeclaration(name, _CALLS[name], node.lineno, loose=True)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Call):
            name = meant(node.func.func)
            if name in _CALLS:
                yield FoundDeclaration(name, _CALLS[name], node.lineno)


def _imported(tree: ast.Module) -> tuple[set[str], dict[str, str]]:
    """The names under which a module imports Carveout, and those that it imports from it."""
    modules: set[str] = set()
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {each.asname or each.name for each in node.names if each.name == "carveout"}
        elif isinstance(node, ast.ImportFrom) and node.module == "carveout" and not node.level:
            names |= {each.asname or each.name: each.name for each in node.names}
    return modules, names
