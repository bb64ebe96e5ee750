"""Finds modules, and the file and line, relative to the project's root, of a declaration."""

import ast
import inspect
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType
from typing import Any

from django.conf import settings as django_settings

PACKAGES = {"site-packages", "dist-packages"}
LIBRARIES = ("stdlib", "platstdlib", "purelib", "platlib")
"""The folders of Python's own modules and of installed ones."""
MADE_AT = "__carveout_made_at__"
"""The attribute of a function that the kit makes: file and line of the call that lets it."""
Lines = dict[str | int, int]
"""Lines of classes and their fields by qualified name; of functions by that of their decorator."""


def root() -> Path:
    """The project's root: BASE_DIR of the settings, or the current folder."""
    return _resolved(Path(getattr(django_settings, "BASE_DIR", None) or Path.cwd()).absolute())


def is_installed(path: Path) -> bool:
    """Whether it is among installed packages, where the next installation overwrites files.

    Source: https://docs.python.org/3/library/sysconfig.html#installation-paths
    """
    resolved = path.resolve()
    return bool(PACKAGES & {*resolved.parts}) or any(
        resolved.is_relative_to(Path(sysconfig.get_path(name)).resolve()) for name in LIBRARIES
    )


def find_module(name: str) -> ModuleSpec | None:
    """Finds a module without importing the packages around it, which may raise.

    Returns: None if there is no such module.
    """
    loaded = getattr(sys.modules.get(name), "__spec__", None)
    if loaded or not name:
        return loaded
    package, folders = name.rpartition(".")[0], None
    if package:
        around = find_module(package)
        folders = around.submodule_search_locations if around else None
        if folders is None:
            return None
    for finder in sys.meta_path:
        with suppress(Exception):  # third-party finders may raise anything
            if spec := finder.find_spec(name, folders):
                return spec
    return None


def of_function(function: Callable[..., object]) -> str:
    """Where a function is defined, without its decorators."""
    function = inspect.unwrap(function)
    if made := getattr(function, MADE_AT, None):
        return f"{_shown(made[0], function.__module__)}:{made[1]}"
    code: CodeType | None = getattr(function, "__code__", None)
    if code is None:  # a callable object
        return of_class(type(function))
    line = _lines(code.co_filename).get(code.co_firstlineno, code.co_firstlineno)
    return f"{_shown(code.co_filename, function.__module__)}:{line}"


def of_class(cls: type) -> str:
    return _of(cls, cls.__qualname__)


def place_of_class(cls: type) -> tuple[str, int]:
    """The file of a class and its line there, for MADE_AT."""
    return _file(cls), _lines(_file(cls)).get(cls.__qualname__, 1)


def of_field(cls: type, field: str) -> str:
    """Where a field is annotated, in the class or in a base class."""
    for owner in cls.__mro__:
        name = f"{owner.__qualname__}.{field}"
        if name in _lines(_file(owner)):
            return _of(owner, name)
    return of_class(cls)


def _of(cls: type, name: str) -> str:
    file = _file(cls)
    return f"{_shown(file, cls.__module__)}:{_lines(file).get(name, 1)}"


def _file(cls: type) -> str:
    try:
        return inspect.getsourcefile(cls) or ""
    except TypeError:  # built in, or generated
        return ""


def _shown(file: str, module: str) -> str:
    """The path relative to the root; for a file elsewhere, the path of its module."""
    path = _resolved(Path(file))
    if file and path.is_relative_to(root()):
        return path.relative_to(root()).as_posix()
    return f"{module.replace('.', '/')}.py"


@lru_cache(maxsize=4096)
def _resolved(path: Path) -> Path:
    return path.resolve()


@lru_cache(maxsize=4096)
def _lines(file: str) -> Lines:
    """The lines of a file's declarations; empty if there is no such file."""
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError):
        return {}
    return dict(_declarations(tree, ""))


def _declarations(node: Any, prefix: str) -> Iterator[tuple[str | int, int]]:
    for child in ast.iter_child_nodes(node):
        within = prefix
        if isinstance(child, ast.ClassDef):
            yield prefix + child.name, child.lineno
            within = f"{prefix}{child.name}."
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield min([child.lineno, *(each.lineno for each in child.decorator_list)]), child.lineno
            within = f"{prefix}{child.name}.<locals>."
        elif isinstance(child, ast.AnnAssign) and isinstance(child.target, ast.Name):
            yield prefix + child.target.id, child.lineno
        elif isinstance(child, ast.Assign) and isinstance(child.targets[0], ast.Name):
            yield prefix + child.targets[0].id, child.lineno
        yield from _declarations(child, within)
