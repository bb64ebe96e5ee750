"""Locates frames, functions, classes and template nodes in first-party code."""

import inspect
import linecache
import re
import sys
from types import CodeType, FrameType
from typing import Any

import msgspec

from carveout.carving.recorder.file_roles import CODE, TEMPLATE, TESTS, FileRoles, Owner

RENDER = "render_annotated"
"""Django's method that renders a part of a template."""


class CodeLocation(msgspec.Struct, frozen=True):
    """A line of first-party code. `role`: code, tests, set-up or migrations."""

    role: str
    app: str
    symbol: str
    file: str
    line: int
    template: str = ""
    """The template's line that was being rendered."""


class CodeLocations:
    def __init__(self, owners: FileRoles) -> None:
        self.owners = owners
        self._classes: dict[type, CodeLocation | None] = {}

    def template(self, frame: FrameType | None, unless: CodeLocation) -> str:
        """The template line that is being rendered; empty if none is, or if it is `unless`."""
        while frame is not None:
            code = frame.f_code
            if code.co_name == RENDER and self.owners.of(code.co_filename).role == TEMPLATE:
                at = self.of_node(frame.f_locals.get("self"))
                return f"{at.file}:{at.line}" if at and at.symbol != unless.symbol else ""
            frame = frame.f_back
        return ""

    def of_node(self, node: Any) -> CodeLocation | None:
        """The location of a node of a first-party template."""
        origin = getattr(node, "origin", None)
        owner = self.owners.of(getattr(origin, "name", None) or "")
        if origin is None or not owner.own:
            return None
        role = TESTS if owner.role == TESTS else CODE
        name = origin.template_name or owner.file
        return CodeLocation(role, owner.app, name, owner.file, node.token.lineno)

    def of_function(self, function: Any) -> CodeLocation | None:
        """The location that defines a function or class, without decorators as far as known."""
        function = inspect.unwrap(getattr(function, "func", function))
        function = getattr(function, "view_class", getattr(function, "cls", function))
        if isinstance(function, type):
            return self.of_class(function)
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        return self.of_code(code, code.co_firstlineno) if code else self.of_class(type(function))

    def of_code(self, code: CodeType, line: int, role: str = "") -> CodeLocation | None:
        owner = self.owners.of(code.co_filename)
        if not owner.own:
            return None
        return CodeLocation(role or owner.role, owner.app, symbol(owner, code), owner.file, line)

    def of_class(self, cls: type, method: str = "") -> CodeLocation | None:
        """The line that defines the class, cached because finding it reads the file."""
        if cls not in self._classes:
            self._classes[cls] = self._look(cls)
        place = self._classes[cls]
        if place is None or not method:
            return place
        return msgspec.structs.replace(place, symbol=f"{place.symbol}.{method}")

    def _look(self, cls: type) -> CodeLocation | None:
        owner = self.owners.of_module(cls.__module__)
        if not owner.own:
            return None
        name = f"{owner.module}.{cls.__qualname__}"
        return CodeLocation(owner.role, owner.app, name, owner.file, _line(cls))


def symbol(owner: Owner, code: CodeType) -> str:
    """The dotted name of the function that a code object is or is in; else that of the module."""
    name = code.co_qualname.partition(".<")[0]
    return owner.module if name.startswith("<") else f"{owner.module}.{name}"


def _line(cls: type) -> int:
    """The line that defines the class; 0 if it can't be found."""
    first = getattr(cls, "__firstlineno__", 0)  # Python 3.13
    if first:
        return int(first)
    defines = re.compile(rf"\s*class\s+{re.escape(cls.__name__)}\b")
    lines = linecache.getlines(getattr(sys.modules.get(cls.__module__), "__file__", None) or "")
    return next((number for number, line in enumerate(lines, 1) if defines.match(line)), 0)
