"""Lists the Python files of the project, under the packages that hold first-party code."""

import os
from collections.abc import Iterator
from os.path import realpath
from pathlib import Path

from carveout.carving.survey.project import Project
from carveout.carving.survey.project_root import INSTALLED
from carveout.carving.survey.unread import FOLDER


def modules(project: Project) -> Iterator[tuple[str, Path]]:
    """Every module's dotted name, and its file."""
    for name, path in sorted(project.tops.items()):
        if path.is_file():
            yield name, path
        else:
            yield from _below(path, name)


def files_below(folder: Path, project: Project) -> Iterator[Path]:
    """Every file, in order; notes folders that can't be read."""

    def note(error: OSError) -> None:
        project.gaps.note(FOLDER, project.file(Path(error.filename)), error)

    found = (
        Path(below, name) for below, _, names in os.walk(folder, onerror=note) for name in names
    )
    yield from sorted(path for path in found if _is_file(path))


def _is_file(path: Path) -> bool:
    """Is this a file, and not a broken link, such as an editor's lock, or a pipe?"""
    try:
        return path.is_file()
    except OSError:
        return True  # reading it fails too, and is then noted


def _below(folder: Path, package: str) -> Iterator[tuple[str, Path]]:
    try:
        with os.scandir(folder) as entries:
            found = sorted((each.name, _is_below(each, folder)) for each in entries)
    except OSError:
        yield package, folder / "__init__.py"  # reading it fails too, and is then noted
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
    """Is it a folder, and not a link to a folder above it?"""
    if not entry.is_symlink():
        return entry.is_dir()
    back = Path(realpath(folder)).is_relative_to(realpath(entry))
    return Path(entry).is_dir() and not back
