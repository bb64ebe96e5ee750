"""Finds the settings that make each request one transaction, and those that lack it.

Settings are read in the order in which they run, including files that they import with `*`.
"""

import ast
import os
import sys
from collections.abc import Iterable, Iterator
from typing import TypeGuard

import msgspec
from django.db import connections

from carveout.carving.survey.coupling import EVERY
from carveout.carving.survey.dangers.danger import Danger
from carveout.carving.survey.project import SHELL
from carveout.carving.survey.sources import SourceFile, Sources

ATOMIC = "ATOMIC_REQUESTS"
DATABASES = "DATABASES"
ON = f"{ATOMIC}: each request is one transaction around everything that it calls"
LACKING = f"{ATOMIC} is not set here, so these settings hide transactions that production has"


Statement = ast.Assign | ast.AnnAssign | ast.Expr


class SettingsFile(msgspec.Struct):
    """The result of reading one settings file."""

    atomic: bool = False
    """Whether ATOMIC_REQUESTS is on at the end, imports included."""
    on: int = 0
    """The line of this file that turns it on."""
    databases: int = 0
    """The line of this file that sets DATABASES; 0 if it is imported."""
    named: set[str] = set()
    """Names of values that contain ATOMIC_REQUESTS and may be put into DATABASES."""
    bases: set[str] = set()
    """Modules that it imports with `*`."""


def atomicity(sources: Sources) -> Iterator[Danger]:
    found = {source.facts.module: source for source in sources if source.app == SHELL}
    read: dict[str, SettingsFile] = {}
    for module in found:
        _read(module, found, read)
    bases = {base for each in read.values() for base in each.bases}
    several = any(each.on for each in read.values())
    if not several and is_atomic():
        yield from _only_running(found)
    for module, each in read.items():
        if each.on:
            yield _danger(found[module], each.on, "atomic requests", ON)
        elif each.databases and not each.atomic and several and module not in bases:
            yield _danger(found[module], each.databases, "tests lack atomic requests", LACKING)


def is_atomic() -> bool:
    """Whether the loaded settings turn ATOMIC_REQUESTS on for any database."""
    return any(each.get(ATOMIC) for each in connections.settings.values())  # opens no connection


def _only_running(found: dict[str, SourceFile]) -> Iterator[Danger]:
    """The danger if no line turns it on: it comes from elsewhere, such as a URL or a package."""
    module = os.environ.get("DJANGO_SETTINGS_MODULE", "")
    path = getattr(sys.modules.get(module), "__file__", None) or module
    yield Danger(
        kind="atomic requests",
        app=SHELL,
        symbol=f"{module}.{DATABASES}",
        file=found[module].file if module in found else path,
        line=1,
        target_symbol=EVERY,
        text=ON,
    )


def _danger(source: SourceFile, line: int, kind: str, text: str) -> Danger:
    return Danger(
        kind=kind,
        app=SHELL,
        symbol=source.symbol(DATABASES),
        file=source.file,
        line=line,
        target_symbol=EVERY,
        text=text,
    )


def _read(module: str, found: dict[str, SourceFile], read: dict[str, SettingsFile]) -> SettingsFile:
    if module not in read:
        settings = read[module] = SettingsFile()
        text = found[module].path.read_bytes()
        if DATABASES.encode() in text or b"import *" in text:
            _run(ast.parse(text).body, module, settings, found, read)
    return read[module]


def _run(
    body: Iterable[ast.stmt],
    module: str,
    settings: SettingsFile,
    found: dict[str, SourceFile],
    read: dict[str, SettingsFile],
) -> None:
    for each in body:
        if isinstance(each, ast.ImportFrom) and each.names[0].name == EVERY:
            base = _absolute(each, module, found)
            if base in found:
                settings.bases.add(base)
                settings.atomic = _read(base, found, read).atomic
        elif isinstance(each, ast.If | ast.Try | ast.With):
            before = msgspec.structs.replace(settings)
            _run(each.body, module, settings, found, read)
            _run(getattr(each, "orelse", ()), module, before, found, read)
            _either(settings, before)
        elif isinstance(each, Statement):
            _assign(each, settings)


def _either(settings: SettingsFile, other: SettingsFile) -> None:
    """Merges two branches: either may run, so whatever one of them sets counts."""
    settings.atomic |= other.atomic
    settings.on = settings.on or other.on
    settings.databases = settings.databases or other.databases


def _absolute(statement: ast.ImportFrom, module: str, found: dict[str, SourceFile]) -> str:
    if not statement.level:
        return statement.module or ""
    package = found[module].path.name == "__init__.py"
    parts = module.split(".")
    base = parts[: len(parts) - statement.level + package]
    return ".".join([*base, *filter(None, [statement.module])])


def _assign(statement: Statement, settings: SettingsFile) -> None:
    targets = _targets(statement)
    names = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
    line = _line(statement)
    if line and not _is_off(statement):
        settings.named |= targets
        if DATABASES in names:
            settings.on, settings.atomic = line, True
    elif line:
        settings.on, settings.atomic, settings.databases = 0, False, statement.lineno
    elif DATABASES in targets and not _keeps(statement):
        held = bool(names & settings.named - {DATABASES})
        settings.databases = statement.lineno
        settings.on, settings.atomic = statement.lineno if held else 0, held


def _targets(statement: Statement) -> set[str]:
    """Names that are assigned; `DATABASES["default"]["NAME"]` is not a name but a part of one."""
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    whole = (
        each.value if isinstance(each, ast.Subscript) and _is_default(each.slice) else each
        for each in targets
    )
    return {each.id for each in whole if isinstance(each, ast.Name)}


def _is_default(key: ast.expr) -> bool:
    return isinstance(key, ast.Constant) and key.value == "default"


def _keeps(statement: Statement) -> bool:
    """Is the value built from the previous DATABASES?"""
    value = statement.value
    return value is not None and any(
        isinstance(node, ast.Name) and node.id == DATABASES for node in ast.walk(value)
    )


def _line(statement: ast.stmt) -> int:
    """The line that names ATOMIC_REQUESTS; 0 if none does."""
    return next((node.lineno for node in ast.walk(statement) if _names_it(node)), 0)


def _names_it(node: ast.AST) -> TypeGuard[ast.Constant | ast.keyword]:
    key = isinstance(node, ast.Constant) and node.value == ATOMIC
    return key or (isinstance(node, ast.keyword) and node.arg == ATOMIC)


def _is_off(statement: Statement) -> bool:
    """Is ATOMIC_REQUESTS only ever set to False here?"""
    values: list[ast.AST | None] = []
    for node in ast.walk(statement):
        if isinstance(node, ast.keyword) and node.arg == ATOMIC:
            values.append(node.value)
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            values += [value for key, value in pairs if key is not None and _names_it(key)]
        elif isinstance(node, ast.Subscript) and _names_it(node.slice):
            values.append(statement.value)
    return bool(values) and all(
        isinstance(each, ast.Constant) and each.value is False for each in values
    )
