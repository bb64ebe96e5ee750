"""Origins: the file and line, from the project's root on, where something is declared."""

import ast
import inspect
import sysconfig
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import Any

from django.conf import settings as django_settings

PACKAGES = {"site-packages", "dist-packages"}
LIBRARIES = ("stdlib", "platstdlib", "purelib", "platlib")
"""Where this Python keeps its own modules, and those that are installed."""
Lines = dict[str | int, int]
"""Lines of classes and their fields by qualified name; of functions by that of their decorator."""


def root() -> Path:
    """The project's root: BASE_DIR of the settings, or the folder that the command runs in."""
    return _resolved(Path(getattr(django_settings, "BASE_DIR", None) or Path.cwd()).absolute())


def is_installed(path: Path) -> bool:
    """Does it lie where packages are installed? The next installation loses what is written there.

    Source: https://docs.python.org/3/library/sysconfig.html#installation-paths
    """
    resolved = path.resolve()
    return bool(PACKAGES & {*resolved.parts}) or any(
        resolved.is_relative_to(Path(sysconfig.get_path(name)).resolve()) for name in LIBRARIES
    )


def of_function(function: Callable[..., object]) -> str:
    """Where a function is defined, under whatever decorators."""
    function = inspect.unwrap(function)
    code: CodeType | None = getattr(function, "__code__", None)
    if code is None:  # an object that can be called
        return of_class(type(function))
    line = _lines(code.co_filename).get(code.co_firstlineno, code.co_firstlineno)
    return f"{_shown(code.co_filename, function.__module__)}:{line}"


def of_class(cls: type) -> str:
    return _of(cls, cls.__qualname__)


def of_field(cls: type, field: str) -> str:
    """Where a field is annotated, in the class or in one that it inherits from."""
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
    except TypeError:  # built in, or made by a program
        return ""


def _shown(file: str, module: str) -> str:
    """The path from the root on; of a file elsewhere, as its module would lie there."""
    path = _resolved(Path(file))
    if file and path.is_relative_to(root()):
        return path.relative_to(root()).as_posix()
    return f"{module.replace('.', '/')}.py"


@lru_cache(maxsize=4096)
def _resolved(path: Path) -> Path:
    return path.resolve()


@lru_cache(maxsize=4096)
def _lines(file: str) -> Lines:
    """Empty, if there is no such file."""
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
        yield from _declarations(child, within)
