"""Finds the project's root by its settings module and its manage.py."""

import os
from importlib.util import find_spec
from pathlib import Path

INSTALLED = {"site-packages", "dist-packages", "node_modules", ".tox", ".venv", "venv"}


def settings_module() -> str:
    return os.environ.get("DJANGO_SETTINGS_MODULE", "")


def default_root() -> Path:
    """The folder above the settings that holds manage.py; else the folder of their package."""
    top = settings_module().partition(".")[0]
    path = location(top) if top else None
    if path is None:
        return Path.cwd()
    for folder in path.parents:
        if folder.name in INSTALLED:
            return path  # the project itself is installed
        if (folder / "manage.py").exists():
            return folder
    return path.parent


def location(top: str) -> Path | None:
    """The folder of a package, or the file of a module."""
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).resolve()
    return Path(spec.origin).resolve() if spec.origin else None
