"""Reads a stored stack: the part of it that is the project's own, and its innermost line there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import carveout
from carveout.conf import code_locations

KIT = Path(carveout.__file__).resolve().parent
_FRAME = re.compile(r'^([ |]*)File "(.+)", line (\d+), in (.+)$')


@dataclass
class Part:
    """A frame with its source, or what a stack says around its frames."""

    indent: int = 0
    path: str = ""
    line: str = ""
    function: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def is_own(self) -> bool:
        """Whether it is neither the kit's nor an installed package's."""
        path = Path(self.path)
        if not path.is_absolute():  # "<string>", "<frozen runpy>"
            return False
        return not path.resolve().is_relative_to(KIT) and not code_locations.is_installed(path)

    @property
    def file(self) -> str:
        """Relative to the project's root."""
        path, root = Path(self.path).resolve(), code_locations.root()
        return str(path.relative_to(root) if path.is_relative_to(root) else path)

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def shown(self) -> list[str]:
        """Its lines, with a short name of its file."""
        first = [self.lines[0].replace(f'"{self.path}"', f'"{self.file}"')] if self.path else []
        return first + self.lines[len(first) :]

    @property
    def source(self) -> str:
        """The line as it was when it raised; empty if its file could not be read then."""
        return self.lines[1].lstrip(" |") if len(self.lines) > 1 else ""


def own_part(stack: str) -> str:
    """The stack without the frames of the kit and of installed packages."""
    shown = [part for part in _parts(stack) if not part.path or part.is_own]
    return "\n".join(line for part in shown for line in part.shown)


def own_frame(stack: str) -> Part | None:
    """The innermost frame of the project's own code; None if there is none."""
    own = [part for part in _parts(stack) if part.path and part.is_own]
    return own[-1] if own else None


def _parts(stack: str) -> Iterator[Part]:
    part = Part()
    for line in stack.splitlines():
        if found := _FRAME.match(line):
            yield part
            part = Part(len(found[1]), found[2], found[3], found[4])
        elif part.path and _indent(line) < part.indent:
            yield part
            part = Part()
        part.lines.append(line)
    yield part


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" |"))
