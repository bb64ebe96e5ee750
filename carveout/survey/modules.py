"""Modules: the Python files of the project, under the packages that hold first-party code."""

import os
from collections.abc import Iterator
from os.path import realpath
from pathlib import Path

from carveout.survey.project import INSTALLED, Project


def modules(project: Project) -> Iterator[tuple[str, Path]]:
    """Every module by its dotted name, and its file."""
    for name, path in sorted(project.tops.items()):
        if path.is_file():
            yield name, path
        else:
            yield from _below(path, name)


def _below(folder: Path, package: str) -> Iterator[tuple[str, Path]]:
    try:
        with os.scandir(folder) as entries:
            found = sorted((each.name, _is_below(each, folder)) for each in entries)
    except OSError:
        yield package, folder / "__init__.py"  # nobody can read that either, which is then told
        return
    for name, is_folder in found:
        path = folder / name
        if is_folder and name.isidentifier() and name not in INSTALLED:
            yield from _below(path, f"{package}.{name}")
        elif path.suffix == ".py" and path.stem == "__init__":
            yield package, path
        elif path.suffix == ".py" and path.stem.isidentifier() | path.stem[:1].isdigit():
            yield f"{package}.{path.stem}", path


def _is_below(entry: os.DirEntry[str], folder: Path) -> bool:
    """Is it a folder, and no link that leads back up?"""
    if not entry.is_symlink():
        return entry.is_dir()
    back = Path(realpath(folder)).is_relative_to(realpath(entry))
    return Path(entry).is_dir() and not back
