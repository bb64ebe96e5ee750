"""Records which parts of a project could not be read, by stable names, and how many were tried.

A project's own classes may raise at any access, and its files may hold anything. What raises is
noted here and left out, and the rest is read.
"""

import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

Item = TypeVar("Item")
Found = TypeVar("Found")

FILE, TEMPLATE, FIXTURE, FOLDER = "file", "template", "fixture", "folder"
MODEL, FIELD, MANAGER = "model", "field", "manager"
URLS, URL = "URL module", "URL"
RECEIVER, ADMIN, APP = "receiver", "admin class", "app"
TAGS, LOADER = "tag library", "template loader"
KIND = "kind of coupling"
FILES = (FILE, TEMPLATE, FIXTURE, FOLDER)
ERROR_LETTERS_MAX = 200
RAISED = (Exception, SystemExit)
"""What the project's own code may raise: an imported script may even exit the process."""
SURVEY = Path(__file__).parent
INSTALLED = {"site-packages", "dist-packages"}


PLURALS = {ADMIN: "admin classes", TAGS: "tag libraries", KIND: "kinds of coupling"}


class Gap(msgspec.Struct, frozen=True, order=True):
    """One thing that could not be read, or only partly."""

    kind: str
    name: str
    at: str = ""
    """The line of the project that raised, else where the thing is defined; empty if unknown."""
    error: str = ""

    @property
    def id(self) -> str:
        """What a baseline lists; the same while the thing keeps its name."""
        return f"{self.kind}: {self.name}"

    def __str__(self) -> str:
        where = f"{self.at}: " if self.at else ""
        return f"{where}{self.id}: {self.error}"


class Gaps:
    def __init__(self, root: Path) -> None:
        self.root = root
        self._found: dict[str, Gap] = {}
        self._wheres: dict[str, tuple[str, ...]] = {}
        self._tried: dict[str, set[str]] = {}

    def each(
        self,
        kind: str,
        items: Iterable[Item],
        name: Callable[[Item], str],
        find: Callable[[Item], Iterable[Found]],
    ) -> Iterator[Found]:
        """What `find` gives for each item; for one that raises, what it gave until then."""
        for item in items:
            with self.around(kind, _named(name, item)):
                yield from find(item)

    @contextmanager
    def around(self, kind: str, name: str, *wheres: str) -> Iterator[None]:
        """Notes what the block raises, and suppresses it. `wheres` as in `note`."""
        self.tried(kind, name)
        try:
            yield
        except RAISED as error:
            self.note(kind, name, error, *wheres)

    def tried(self, kind: str, name: str) -> None:
        self._tried.setdefault(kind, set()).add(name)

    def note(self, kind: str, name: str, error: BaseException | str, *wheres: str) -> None:
        """Notes one thing that could not be read.

        `wheres`: dotted names. If no line of the project raised, the first one that a file defines
        gives the location.
        """
        self.tried(kind, name)
        at = "" if isinstance(error, str) else _own_line(error, self.root)
        if kind in FILES and not at:
            at = f"{name}:{error.lineno or 1}" if isinstance(error, SyntaxError) else name
        gap = Gap(kind, name, at, _first_line(error))
        if self._found.setdefault(gap.id, gap) is gap:
            self._wheres[gap.id] = wheres

    def all(self, defined: Callable[[str], tuple[str, Any]]) -> list[Gap]:
        """All gaps in order. `defined` gives the file and the definition of a dotted name."""
        return sorted(self._located(gap, defined) for gap in self._found.values())

    def _located(self, gap: Gap, defined: Callable[[str], tuple[str, Any]]) -> Gap:
        for where in self._wheres[gap.id] if not gap.at else ():
            file, found = defined(where)
            if found:
                return msgspec.structs.replace(gap, at=f"{file}:{found.line}")
        return gap

    @property
    def counted(self) -> dict[str, int]:
        """By kind: how many things were tried, those that could not be read included."""
        return {kind: len(names) for kind, names in sorted(self._tried.items())}


def missing(unread: Iterable[Gap], tried: Mapping[str, int]) -> str:
    """How much could not be read: `1 of 642 fields, 2 of 1,200 files`; empty if nothing."""
    counted = Counter(each.kind for each in unread)
    return ", ".join(
        f"{count:,} of {tried.get(kind, count):,} {PLURALS.get(kind, f'{kind}s')}"
        for kind, count in sorted(counted.items())
    )


def attributes(of: Any) -> Mapping[str, Any]:
    """An object's own attributes; empty if reading them raises."""
    try:
        found = getattr(of, "__dict__", {})
    except Exception:  # the project's own classes may raise anything
        return {}
    return found if issubclass(type(found), dict | MappingProxyType) else {}


def _named(name: Callable[[Item], str], item: Item) -> str:
    try:
        return name(item)
    except Exception:  # even reading its name raises
        return f"{type(item).__module__}.{type(item).__qualname__}"


def _first_line(error: BaseException | str) -> str:
    """The error's type and the first line of its message."""
    if isinstance(error, str):
        return error
    try:
        message = error.msg if isinstance(error, SyntaxError) else str(error)
        first = next(iter(message.strip().splitlines()), "")
    except Exception:  # the project's own error class raises
        first = ""
    return f"{type(error).__name__}: {first}".rstrip(": ")[:ERROR_LETTERS_MAX]


def _own_line(error: BaseException, root: Path) -> str:
    """The innermost line of the project in the error's traceback."""
    if isinstance(error, SyntaxError) and error.filename not in (None, "<unknown>"):
        return _in(root, error.filename or "", error.lineno or 1)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        own = _in(root, frame.filename, frame.lineno or 1)
        if own:
            return own
    return ""


def _in(root: Path, file: str, line: int) -> str:
    path = Path(file)
    if not path.is_relative_to(root) or path.is_relative_to(SURVEY):
        return ""
    below = path.relative_to(root)
    return "" if INSTALLED & {*below.parts} else f"{below.as_posix()}:{line}"
