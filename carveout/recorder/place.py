"""Places: lines of first-party code and templates, as frames, functions and classes tell them."""

import inspect
import linecache
import re
import sys
from types import CodeType, FrameType
from typing import Any

import msgspec

from carveout.recorder.owners import CODE, TEMPLATE, TESTS, Owner, Owners

RENDER = "render_annotated"
"""Django's method that renders a part of a template."""


class Place(msgspec.Struct, frozen=True):
    """A line of first-party code. `role`: code, tests, set-up or migrations."""

    role: str
    app: str
    symbol: str
    file: str
    line: int
    template: str = ""
    """The template's line that was being rendered."""


class Places:
    def __init__(self, owners: Owners) -> None:
        self.owners = owners
        self._classes: dict[type, Place | None] = {}

    def template(self, frame: FrameType | None, unless: Place) -> str:
        """The template's line that is being rendered, unless that is this place; else empty."""
        while frame is not None:
            code = frame.f_code
            if code.co_name == RENDER and self.owners.of(code.co_filename).role == TEMPLATE:
                at = self.of_node(frame.f_locals.get("self"))
                return f"{at.file}:{at.line}" if at and at.symbol != unless.symbol else ""
            frame = frame.f_back
        return ""

    def of_node(self, node: Any) -> Place | None:
        """Where a part of a first-party template is."""
        origin = getattr(node, "origin", None)
        owner = self.owners.of(getattr(origin, "name", None) or "")
        if origin is None or not owner.own:
            return None
        role = TESTS if owner.role == TESTS else CODE
        name = origin.template_name or owner.file
        return Place(role, owner.app, name, owner.file, node.token.lineno)

    def of_function(self, function: Any) -> Place | None:
        """Where a function or class is defined, behind all decorators that tell."""
        function = inspect.unwrap(getattr(function, "func", function))
        function = getattr(function, "view_class", getattr(function, "cls", function))
        if isinstance(function, type):
            return self.of_class(function)
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        return self.of_code(code, code.co_firstlineno) if code else self.of_class(type(function))

    def of_code(self, code: CodeType, line: int, role: str = "") -> Place | None:
        owner = self.owners.of(code.co_filename)
        if not owner.own:
            return None
        return Place(role or owner.role, owner.app, symbol(owner, code), owner.file, line)

    def of_class(self, cls: type, method: str = "") -> Place | None:
        """The class's own line, found once: that takes reading its file."""
        if cls not in self._classes:
            self._classes[cls] = self._look(cls)
        place = self._classes[cls]
        if place is None or not method:
            return place
        return msgspec.structs.replace(place, symbol=f"{place.symbol}.{method}")

    def _look(self, cls: type) -> Place | None:
        owner = self.owners.of_module(cls.__module__)
        if not owner.own:
            return None
        name = f"{owner.module}.{cls.__qualname__}"
        return Place(owner.role, owner.app, name, owner.file, _line(cls))


def symbol(owner: Owner, code: CodeType) -> str:
    """The dotted name of the function that a code object is of or in; a module's own at its top."""
    name = code.co_qualname.partition(".<")[0]
    return owner.module if name.startswith("<") else f"{owner.module}.{name}"


def _line(cls: type) -> int:
    """The line that defines the class; 0 if it is not to be found."""
    first = getattr(cls, "__firstlineno__", 0)  # Python 3.13
    if first:
        return int(first)
    defines = re.compile(rf"\s*class\s+{re.escape(cls.__name__)}\b")
    lines = linecache.getlines(getattr(sys.modules.get(cls.__module__), "__file__", None) or "")
    return next((number for number, line in enumerate(lines, 1) if defines.match(line)), 0)
