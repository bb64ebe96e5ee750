"""What is declared where no process reads it: found in the sources, since it is nowhere else.

Django imports an app's models, and Carveout its events, lookups and subscribers. A handler in
another module, which none of these imports, would be lost without a word.
"""

import ast
import os
import re
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from django.apps import AppConfig, apps

from carveout import declaration, origin
from carveout.conf import Settings

_CALLS = {"subscribe": "subscribers", "upcast": "events", "lookup": "lookups"}
_BASES = {"Event": "events", "Lookup": "lookups"}
"""What declares something, and the module where it belongs."""
_ELSEWHERE = {"tests", "test", "migrations", "node_modules", "static", "templates", "__pycache__"}
_OF_TESTS = re.compile(r"tests?(_\w+)?\.py|\w+_tests?\.py|conftest\.py")


class Found(NamedTuple):
    """Something that is declared in a source file. `loose`: a decorator without its @."""

    name: str
    home: str
    line: int
    loose: bool = False
    reads: bool = False
    """It only reads what others offer."""


class Source:
    """A module of an app, as its file has it."""

    def __init__(self, path: Path, module: str, app: str) -> None:
        self.path = path
        self.module = module
        self.app = app

    @property
    def where(self) -> str:
        path, root = self.path.resolve(), origin.root()
        return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()

    @cached_property
    def declared(self) -> list[Found]:
        try:
            text = self.path.read_bytes()
            tree = ast.parse(text) if b"carveout" in text else None
        except (OSError, SyntaxError, ValueError):  # Python tells, if anything imports it
            return []
        return sorted(_declared(tree), key=lambda found: found.line) if tree else []


def unread(settings: Settings) -> Iterator[tuple[Source, str, list[Found]]]:
    """Modules with declarations that nothing imported, and the hosted context of each, or ""."""
    imported = {getattr(module, "__file__", None) for module in [*sys.modules.values()]}
    for source in sources(settings):
        context = settings.context_of(source.module)
        if context and not settings.hosts(context.name):
            continue
        if str(source.path) not in imported and source.declared:
            yield source, context.name if context else "", source.declared


def loose(settings: Settings) -> Iterator[tuple[Source, Found]]:
    """Decorators without their @."""
    for source in sources(settings):
        for found in source.declared:
            if found.loose:
                yield source, found


def sources(settings: Settings) -> list[Source]:
    """The modules of all apps, but tests and migrations.

    Of what is installed from elsewhere and in no context only those that a context would have.
    """
    found: dict[Path, Source] = {}
    for config in apps.get_app_configs():
        if config.name == "carveout":
            continue
        folder = Path(config.path)
        foreign = origin.PACKAGES & {*folder.parts} and not settings.context_of(config.name)
        paths = _declarations_of(folder) if foreign else _modules_below(folder)
        for path in paths:
            found.setdefault(path, _source(path, folder, config))
    return list(found.values())


def _source(path: Path, folder: Path, config: AppConfig) -> Source:
    parts = path.relative_to(folder).with_suffix("").parts
    names = parts[:-1] if parts[-1] == "__init__" else parts
    return Source(path, ".".join((config.name, *names)), config.name)


def _declarations_of(folder: Path) -> Iterator[Path]:
    for name in declaration.MODULES:
        for path in (folder / f"{name}.py", folder / name / "__init__.py"):
            if path.is_file():
                yield path


def _modules_below(folder: Path) -> Iterator[Path]:
    for below, folders, files in os.walk(folder):
        folders[:] = [
            each for each in folders if each not in _ELSEWHERE | origin.PACKAGES and each[0] != "."
        ]
        for file in files:
            if file.endswith(".py") and not _OF_TESTS.fullmatch(file):
                yield Path(below, file)


def _declared(tree: ast.Module) -> Iterator[Found]:
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
                    yield Found(node.name, _CALLS[meant(called)], node.lineno)
        if isinstance(node, ast.ClassDef):
            for base in map(meant, node.bases):
                if base in _BASES:
                    yield Found(node.name, _BASES[base], node.lineno, reads=base == "Lookup")
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            name = meant(node.value.func)
            if name in _CALLS:
                yield Found(name, _CALLS[name], node.lineno, loose=True)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Call):
            name = meant(node.func.func)
            if name in _CALLS:
                yield Found(name, _CALLS[name], node.lineno)


def _imported(tree: ast.Module) -> tuple[set[str], dict[str, str]]:
    """The names under which a module has the kit, and those of what it imports from it."""
    modules: set[str] = set()
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {each.asname or each.name for each in node.names if each.name == "carveout"}
        elif isinstance(node, ast.ImportFrom) and node.module == "carveout" and not node.level:
            names |= {each.asname or each.name: each.name for each in node.names}
    return modules, names
