"""Explains why a project does not start: the error, its causes, and the project's own line."""

import ast
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

import carveout
from carveout.carving.survey.project_root import INSTALLED, default_root, settings_module

CAUSES_MAX = 10
OURS = Path(carveout.__file__).resolve().parent
READS = {
    ("/logging/config.py", "dictConfig"): "LOGGING",
    ("/django/apps/registry.py", "populate"): "INSTALLED_APPS",
}
"""Functions that apply a setting, where no line of the project is on the stack."""


def described(error: Exception, root: Path | None = None) -> str:
    """The message for this error. root: the folder of the project's own code."""
    chain = [*_chain(error)]
    causes = [f"  caused by {_summary(each)}" for each in chain[1:]]
    location = _location(chain, (root or default_root()).resolve())
    return "\n".join(
        [
            f"The project does not start: {_summary(error)}",
            *causes,
            f"  {location}--traceback shows the whole stack.",
            "Its settings must load and its apps must start, as for `manage.py check`. Fix that"
            " first.",
        ]
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and the errors that caused it or were being handled when it was raised."""
    current: BaseException | None = error
    seen: set[str] = set()
    for _ in range(CAUSES_MAX):
        if current is None:
            return
        if _summary(current) not in seen:
            yield current
        seen.add(_summary(current))
        suppressed = current.__suppress_context__
        current = current.__cause__ or (None if suppressed else current.__context__)


def _summary(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _location(chain: list[BaseException], root: Path) -> str:
    """`at shop/settings.py:12; `: the project's innermost line, of the first cause that has one."""
    for error in reversed(chain):
        lines = [line for line in _lines(error) if _is_own(line[0], root)]
        if lines:
            file, number = lines[-1]
            return f"at {file}:{number}; "
    for name in dict.fromkeys(name for error in chain for name in _settings_read(error)):
        for file, number in _assigned(name, root):
            return f"at {file}:{number}, {name}; "
    return f"with the settings {settings_module()}; "


def _lines(error: BaseException) -> Iterator[tuple[str, int]]:
    """Files and lines of the traceback, from the outermost to the innermost."""
    for frame in traceback.extract_tb(error.__traceback__):
        yield frame.filename, frame.lineno or 0
    if isinstance(error, SyntaxError) and error.filename:
        yield error.filename, error.lineno or 0


def _is_own(file: str, root: Path) -> bool:
    path = Path(file).resolve()
    if file.startswith("<") or not path.is_relative_to(root):
        return False
    return not INSTALLED & {*path.relative_to(root).parts} and not path.is_relative_to(OURS)


def _settings_read(error: BaseException) -> Iterator[str]:
    for frame in traceback.extract_tb(error.__traceback__):
        for (file, function), name in READS.items():
            if frame.name == function and frame.filename.replace(os.sep, "/").endswith(file):
                yield name


def _assigned(name: str, root: Path) -> Iterator[tuple[str, int]]:
    """Where a setting is assigned: in the settings, or in a module that they import it from."""
    value = getattr(settings, name)
    loaded = [*sys.modules.values()]
    others = [each for each in loaded if getattr(each, "__dict__", {}).get(name) is value]
    for module in [sys.modules.get(settings_module()), *others]:
        file = getattr(module, "__file__", None) or ""
        numbers = _assignments(Path(file), name) if _is_own(file, root) else []
        if numbers:
            yield file, numbers[-1]


def _assignments(file: Path, name: str) -> list[int]:
    """Lines that assign the name, including those in a settings class."""
    tree = ast.parse(file.read_bytes()) if file.suffix == ".py" else ast.Module([], [])
    return sorted(
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)
    )
