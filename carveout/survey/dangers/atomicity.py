"""Atomicity: which settings make each request one transaction, and which lack that.

Settings are read as they would run: what they import from others with `*`, then each line.
"""

import ast
import os
import sys
from collections.abc import Iterable, Iterator
from typing import TypeGuard

import msgspec
from django.db import connections

from carveout.survey.coupling import EVERY
from carveout.survey.dangers.danger import Danger
from carveout.survey.project import SHELL
from carveout.survey.sources import Source, Sources

ATOMIC = "ATOMIC_REQUESTS"
DATABASES = "DATABASES"
ON = f"{ATOMIC}: each request is one transaction over all that it calls"
LACKING = f"{ATOMIC} is not set here: these settings hide transactions that production shares"


Statement = ast.Assign | ast.AnnAssign | ast.Expr


class Settings(msgspec.Struct):
    """What one file of settings comes to."""

    atomic: bool = False
    """In the end, with all that is imported."""
    on: int = 0
    """The line of this file that says so."""
    databases: int = 0
    """The line of this file that says which databases there are; 0 if it takes others'."""
    named: set[str] = set()
    """Names of what holds ATOMIC_REQUESTS, to be put into DATABASES."""
    bases: set[str] = set()
    """Modules that it takes everything from."""


def atomicity(sources: Sources) -> Iterator[Danger]:
    found = {source.facts.module: source for source in sources if source.app == SHELL}
    read: dict[str, Settings] = {}
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
    """With the settings that are loaded."""
    return any(each.get(ATOMIC) for each in connections.settings.values())  # opens none


def _only_running(found: dict[str, Source]) -> Iterator[Danger]:
    """Where no line says so: it comes from elsewhere, such as a URL or another package."""
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


def _danger(source: Source, line: int, kind: str, text: str) -> Danger:
    return Danger(
        kind=kind,
        app=SHELL,
        symbol=source.symbol(DATABASES),
        file=source.file,
        line=line,
        target_symbol=EVERY,
        text=text,
    )


def _read(module: str, found: dict[str, Source], read: dict[str, Settings]) -> Settings:
    if module not in read:
        settings = read[module] = Settings()
        text = found[module].path.read_bytes()
        if DATABASES.encode() in text or b"import *" in text:
            _run(ast.parse(text).body, module, settings, found, read)
    return read[module]


def _run(
    body: Iterable[ast.stmt],
    module: str,
    settings: Settings,
    found: dict[str, Source],
    read: dict[str, Settings],
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


def _either(settings: Settings, other: Settings) -> None:
    """Of two branches that which says more: nobody knows which of them runs."""
    settings.atomic |= other.atomic
    settings.on = settings.on or other.on
    settings.databases = settings.databases or other.databases


def _absolute(statement: ast.ImportFrom, module: str, found: dict[str, Source]) -> str:
    if not statement.level:
        return statement.module or ""
    package = found[module].path.name == "__init__.py"
    parts = module.split(".")
    base = parts[: len(parts) - statement.level + package]
    return ".".join([*base, *filter(None, [statement.module])])


def _assign(statement: Statement, settings: Settings) -> None:
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
    """Names that are assigned; `DATABASES["default"]["NAME"]` is none, but a part of one."""
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
    """Is the value made of the databases that were there before?"""
    value = statement.value
    return value is not None and any(
        isinstance(node, ast.Name) and node.id == DATABASES for node in ast.walk(value)
    )


def _line(statement: ast.stmt) -> int:
    """Where ATOMIC_REQUESTS is named; 0 if it is not."""
    return next((node.lineno for node in ast.walk(statement) if _names_it(node)), 0)


def _names_it(node: ast.AST) -> TypeGuard[ast.Constant | ast.keyword]:
    key = isinstance(node, ast.Constant) and node.value == ATOMIC
    return key or (isinstance(node, ast.keyword) and node.arg == ATOMIC)


def _is_off(statement: Statement) -> bool:
    """Is False all that is said of it?"""
    said: list[ast.AST | None] = []
    for node in ast.walk(statement):
        if isinstance(node, ast.keyword) and node.arg == ATOMIC:
            said.append(node.value)
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            said += [value for key, value in pairs if key is not None and _names_it(key)]
        elif isinstance(node, ast.Subscript) and _names_it(node.slice):
            said.append(statement.value)
    return bool(said) and all(
        isinstance(each, ast.Constant) and each.value is False for each in said
    )
