"""Reach: the modules of which a function ran, and those of which none did.

Python 3.12 tells the first start of each function and then nothing more of it, which costs next to
nothing. Before, only tracing every call can tell; that is slow, and so has to be asked for.
Source: https://docs.python.org/3/library/sys.monitoring.html
"""

import ast
import inspect
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from django.apps import apps as registry

from carveout.recorder.owners import CODE, Owners
from carveout.survey.modules import modules
from carveout.survey.project import Project

TOOLS = (4, 3)
"""Numbers that sys.monitoring keeps for nobody else; debuggers and coverage have their own."""
NAME = "carveout"


class Reach:
    def __init__(self, owners: Owners) -> None:
        self.owners = owners
        self.modules: set[str] | None = None
        """None if that is not known."""
        self.notice = ""
        """Why it is not."""

    @contextmanager
    def watching(self, *, by_trace: bool) -> Iterator[None]:
        """Within, functions that start are seen, whatever the thread."""
        if sys.version_info >= (3, 12):
            with self._monitoring():
                yield
        elif by_trace:
            with self._tracing():
                yield
        else:
            self.notice = "that needs Python 3.12, or --carveout-reach, which is slow"
            yield

    @contextmanager
    def _monitoring(self) -> Iterator[None]:
        monitoring: Any = getattr(sys, "monitoring")  # noqa: B009 (mypy checks for 3.11 too)
        tool = next((number for number in TOOLS if monitoring.get_tool(number) is None), None)
        if tool is None:
            self.notice = "other tools have all numbers that sys.monitoring gives away"
            yield
            return
        started = monitoring.events.PY_START
        monitoring.use_tool_id(tool, NAME)
        self.modules = set()

        def start(code: CodeType, _: int) -> Any:
            self._add(code)
            return monitoring.DISABLE

        monitoring.register_callback(tool, started, start)
        monitoring.set_events(tool, started)
        try:
            yield
        finally:
            monitoring.set_events(tool, 0)
            monitoring.register_callback(tool, started, None)
            monitoring.free_tool_id(tool)

    @contextmanager
    def _tracing(self) -> Iterator[None]:
        if sys.gettrace() is not None:
            self.notice = "coverage or a debugger traces already; leave it out, or use Python 3.12"
            yield
            return
        self.modules = set()
        # By address, since code objects are dear to compare; kept, so that none is given anew.
        seen: dict[int, CodeType] = {}

        def trace(frame: FrameType, event: str, argument: Any) -> None:
            code = frame.f_code
            if id(code) not in seen:
                seen[id(code)] = code
                self._add(code)

        sys.settrace(trace)
        threading.settrace(trace)
        try:
            yield
        finally:
            sys.settrace(None)
            threading.settrace(None)

    def _add(self, code: CodeType) -> None:
        """Bodies of modules and classes are no functions: importing runs them."""
        if code.co_flags & inspect.CO_OPTIMIZED and self.modules is not None:
            owner = self.owners.of(code.co_filename)
            if owner.own:
                self.modules.add(owner.module)


def unreached(project: Project, reached: set[str]) -> list[str]:
    """Modules of the code that have functions, of which none ran."""
    owners = Owners(project)
    started = {type(config).__module__ for config in registry.get_app_configs()}  # by Django
    return [
        module
        for module, path in modules(project)
        if module not in reached | started
        and owners.of(str(path)).role == CODE
        and _has_functions(path)
    ]


def _has_functions(path: Path) -> bool:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError, RecursionError):
        return False
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return any(isinstance(node, kinds) for node in ast.walk(tree))
