"""The shell's modules: settings and root URLs, also where they lie in an app."""

import ast
import os
import re
import sys
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

from django.conf import settings as django_settings

SETTINGS = re.compile(rb"^(INSTALLED_APPS\b|from \S*settings\S* import \*)", re.MULTILINE)
"""What tells a file of settings from one about settings."""


def settings_module() -> str:
    return os.environ.get("DJANGO_SETTINGS_MODULE", "")


def shell() -> set[str]:
    """The settings or the package of all settings, what they begin with, and other ones beside."""
    parts = settings_module().split(".")
    named = [number for number, part in enumerate(parts, 1) if "settings" in part]
    loaded = set(_with_all_of(settings_module(), set()))
    beside = {name for each in loaded for name in _beside(each)}
    package = ".".join(parts[: named[0]] if named else parts)
    return {package, *loaded, *beside, str(django_settings.ROOT_URLCONF or "")} - {""}


def _with_all_of(module: str, seen: set[str]) -> Iterator[str]:
    """A module of settings, and those whose names it takes all: `from shop.base import *`."""
    path = _file(module)
    if path is None or module in seen:
        return
    seen.add(module)
    yield module
    package = module if path.stem == "__init__" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom) and [each.name for each in node.names] == ["*"]:
            further = f"{'.' * node.level}{node.module or ''}"
            yield from _with_all_of(resolve_name(further, package) if node.level else further, seen)


def _beside(module: str) -> Iterator[str]:
    """Files of settings for other occasions: `settings_docker` beside `settings`."""
    path, package = _file(module), module.rpartition(".")[0]
    if path is None or path.stem == "__init__" or "settings" not in path.stem:
        return
    for other in path.parent.glob("*settings*.py"):
        if SETTINGS.search(other.read_bytes()):
            yield f"{package}.{other.stem}".lstrip(".")


def _file(module: str) -> Path | None:
    """Where a loaded module was read from."""
    path = getattr(sys.modules.get(module), "__file__", None) or ""
    return Path(path) if path.endswith(".py") else None
