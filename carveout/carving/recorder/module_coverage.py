"""Finds out which modules had a function run, and which had none.

Python 3.12 reports the first start of each function and no later ones, which costs next to
nothing. Older versions have to trace every call, which is slow, so it is only done on request.
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

from carveout.carving.recorder.file_roles import CODE, FileRoles
from carveout.carving.survey.module_files import modules
from carveout.carving.survey.project import Project

TOOLS = (4, 3)
"""Tool ids of sys.monitoring without a reserved use; debuggers and coverage have their own."""
NAME = "carveout"


class ModuleCoverage:
    def __init__(self, owners: FileRoles) -> None:
        self.owners = owners
        self.modules: set[str] | None = None
        """Modules that had a function run; None if unknown."""
        self.notice = ""
        """Why they are unknown."""

    @contextmanager
    def watching(self, *, by_trace: bool) -> Iterator[None]:
        """Notes the functions that start within the block, in all threads."""
        if sys.version_info >= (3, 12):
            with self._monitoring():
                yield
        elif by_trace:
            with self._tracing():
                yield
        else:
            self.notice = "this needs Python 3.12, or --carveout-reach, which is slow"
            yield

    @contextmanager
    def _monitoring(self) -> Iterator[None]:
        monitoring: Any = getattr(sys, "monitoring")  # noqa: B009 (mypy checks for 3.11 too)
        tool = next((number for number in TOOLS if monitoring.get_tool(number) is None), None)
        if tool is None:
            self.notice = "other tools use all free tool ids of sys.monitoring"
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
            self.notice = "coverage or a debugger is tracing; run without it, or use Python 3.12"
            yield
            return
        self.modules = set()
        # By address, since comparing code objects is slow; kept, so that no address is reused.
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
        """Adds the module of a function. Bodies of modules and classes run on import: ignored."""
        if code.co_flags & inspect.CO_OPTIMIZED and self.modules is not None:
            owner = self.owners.of(code.co_filename)
            if owner.own:
                self.modules.add(owner.module)


def unreached(project: Project, reached: set[str]) -> list[str]:
    """Modules of code with functions, none of which ran."""
    owners = FileRoles(project)
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
