"""Finds the modules of the project's shell: settings and root URLs, even inside an app."""

import ast
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import resolve_name
from pathlib import Path

from django.conf import settings as django_settings

from carveout.carving.survey.project_root import settings_module

SETTINGS = re.compile(rb"^(INSTALLED_APPS\b|from \S*settings\S* import \*)", re.MULTILINE)
"""Distinguishes a settings file from a file that only deals with settings."""


def shell() -> set[str]:
    """The settings module or package, the settings it imports, other settings files beside those,
    and the root URLs."""
    parts = settings_module().split(".")
    named = [number for number, part in enumerate(parts, 1) if "settings" in part]
    loaded = set(_with_all_of(settings_module(), set()))
    beside = {name for each in loaded for name in _beside(each)}
    package = ".".join(parts[: named[0]] if named else parts)
    return {package, *loaded, *beside, str(django_settings.ROOT_URLCONF or "")} - {""}


def _with_all_of(module: str, seen: set[str]) -> Iterator[str]:
    """A settings module, and those that it imports whole: `from shop.base import *`."""
    path = _file(module)
    if path is None or module in seen:
        return
    seen.add(module)
    yield module
    package = module if path.stem == "__init__" else module.rpartition(".")[0]
    tree = ast.Module([], [])
    with suppress(SyntaxError, ValueError, OSError):  # noted when all files are read
        tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and [each.name for each in node.names] == ["*"]:
            further = f"{'.' * node.level}{node.module or ''}"
            yield from _with_all_of(resolve_name(further, package) if node.level else further, seen)


def _beside(module: str) -> Iterator[str]:
    """Other settings files in the same folder: `settings_docker` beside `settings`."""
    path, package = _file(module), module.rpartition(".")[0]
    if path is None or path.stem == "__init__" or "settings" not in path.stem:
        return
    for other in path.parent.glob("*settings*.py"):
        text = b""
        with suppress(OSError):
            text = other.read_bytes()
        if SETTINGS.search(text):
            yield f"{package}.{other.stem}".lstrip(".")


def _file(module: str) -> Path | None:
    """The file of a loaded module."""
    path = getattr(sys.modules.get(module), "__file__", None) or ""
    return Path(path) if path.endswith(".py") else None
