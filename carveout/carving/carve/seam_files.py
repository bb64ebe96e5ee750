"""Finds seams, their subscriptions and the uses of their events in the code."""

from ast import literal_eval
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from carveout.carving.carve.expressions import UpwardVisitor, code, dotted
from carveout.carving.carve.problem import Problem
from carveout.carving.carve.seam_rewrite import SEAM, is_atomic
from carveout.carving.survey.sources import SourceFile, Sources

SEAMS = (SEAM, "carveout.seams.seam.seam")
"""The function's name, and where it is defined."""


class SeamCall(NamedTuple):
    """A call of `carveout.seam`."""

    seam: str
    event: str
    """The dotted name of the event's class."""
    made: cst.BaseExpression
    """The expression that makes the event."""
    line: int
    scope: str
    statement: cst.SimpleStatementLine
    around: tuple[cst.CSTNode, ...]
    """The statements around it, up to its function."""
    atomic: bool


class SeamSubscription(NamedTuple):
    """A subscription with `seam=`."""

    argument: cst.Arg
    line: int
    function: str
    seams: frozenset[str]
    types: list[str]


class SeamFile(NamedTuple):
    """A file with seams or their subscriptions."""

    source: SourceFile
    module: cst.Module
    calls: list[SeamCall]
    subscribes: list[SeamSubscription]
    problems: list[Problem]


def seam_files(sources: Sources) -> Iterator[SeamFile]:
    """All files that have any; tests and migrations are left alone."""

    def in_file(source: SourceFile) -> Iterator[SeamFile]:
        if "seam" in source.text and not source.in_tests and not source.migration:
            wrapper = MetadataWrapper(cst.parse_module(source.text))
            search = _SeamSearch(sources, source)
            wrapper.visit(search)
            if search.calls or search.subscribes or search.problems:
                yield SeamFile(
                    source, wrapper.module, search.calls, search.subscribes, search.problems
                )

    return sources.each(in_file)


class _FileVisitor(UpwardVisitor):
    """Knows where the names of a file are defined."""

    def __init__(self, sources: Sources, source: SourceFile) -> None:
        super().__init__()
        self.sources, self.source = sources, source

    def _resolved(self, node: cst.BaseExpression, scope: str = "") -> str:
        name = dotted(node)
        return self.sources.origin(self.source.facts.resolve(name, scope)) if name else ""

    def _line(self, node: cst.CSTNode) -> int:
        return int(self.get_metadata(PositionProvider, node).start.line)


class _SeamSearch(_FileVisitor):
    def __init__(self, sources: Sources, source: SourceFile) -> None:
        super().__init__(sources, source)
        self.calls: list[SeamCall] = []
        self.subscribes: list[SeamSubscription] = []
        self.problems: list[Problem] = []

    def visit_Call(self, node: cst.Call) -> None:  # noqa: N802 - libcst's name
        name = self._resolved(node.func)
        if name in SEAMS:
            self._seam(node)
        elif name.rpartition(".")[2] == "subscribe":
            for argument in node.args:
                if argument.keyword and argument.keyword.value == "seam":
                    self._subscription(node, argument)

    def _subscription(self, node: cst.Call, argument: cst.Arg) -> None:
        try:
            given = literal_eval(code(argument.value))
            names = frozenset(given if isinstance(given, tuple) else (given,))
        except ValueError:
            why = f"`seam={code(argument.value)}` can't be read"
            self._refuse(node, why, "write the name itself")
            return
        function = self._parent(self._parent(node))
        inside = function.name.value if isinstance(function, cst.FunctionDef) else ""
        types = [
            str(literal_eval(code(each.value)))
            for each in node.args
            if isinstance(each.value, cst.SimpleString) and each.keyword is None
        ]
        self.subscribes.append(SeamSubscription(argument, self._line(node), inside, names, types))

    def _seam(self, node: cst.Call) -> None:
        around = list(self._around(node))
        name, event, statement = _text_of(node), _event_of(node), _statement(around)
        if name is None or event is None or statement is None:
            self._refuse(
                node, "this seam is not as `carve` writes it", "write it so, or finish it by hand"
            )
            return
        scopes = [each for each in around if isinstance(each, cst.FunctionDef | cst.ClassDef)]
        scope = ".".join(each.name.value for each in reversed(scopes))
        inside = around[2 : around.index(scopes[0])] if scopes else around[2:]
        self.calls.append(
            SeamCall(
                name,
                self._resolved(event.func, scope),
                event,
                self._line(node),
                scope,
                statement,
                tuple(inside),
                is_atomic(around),
            )
        )

    def _refuse(self, node: cst.CSTNode, text: str, fix: str) -> None:
        self.problems.append(Problem(self.source.file, self._line(node), text, fix))


def _text_of(node: cst.Call) -> str | None:
    """The first argument, if it is a plain string."""
    first = node.args[0].value if node.args else None
    return str(literal_eval(code(first))) if isinstance(first, cst.SimpleString) else None


def _event_of(node: cst.Call) -> cst.Call | None:
    """The call that makes the event, out of the third argument."""
    named = {each.keyword.value: each.value for each in node.args if each.keyword}
    third = node.args[2].value if len(node.args) > 2 else None
    made = named.get("event", third)
    body = made.body if isinstance(made, cst.Lambda) else None
    return body if isinstance(body, cst.Call) else None


def _statement(around: Sequence[cst.CSTNode]) -> cst.SimpleStatementLine | None:
    """The line that a call is, if it is nothing else."""
    expression, line = around[:2]
    if isinstance(expression, cst.Expr) and isinstance(line, cst.SimpleStatementLine):
        return line if len(line.body) == 1 else None
    return None


class _EventUses(_FileVisitor):
    """Where events are made or announced. A seam counts as its own line."""

    def __init__(self, sources: Sources, source: SourceFile, events: set[str]) -> None:
        super().__init__(sources, source)
        self.events = events
        self.found: list[tuple[int, str]] = []
        self._seam_line = 0

    def visit_Call(self, node: cst.Call) -> None:  # noqa: N802
        name = self._resolved(node.func)
        line = self._line(node)
        if name in SEAMS:
            self._seam_line = line
        if name in self.events:
            self.found.append((self._seam_line or line, name))
        if name.rpartition(".")[2] == "announces":
            inside = NamesIn()
            node.visit(inside)
            named = (self._resolved(each) for each in inside.found)
            self.found += [(line, each) for each in named if each in self.events]

    def leave_Call(self, original_node: cst.Call) -> None:  # noqa: N802
        if self._resolved(original_node.func) in SEAMS:
            self._seam_line = 0


class NamesIn(cst.CSTVisitor):
    """Collects the names in a part of the code."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[cst.Name | cst.Attribute] = []

    def visit_Name(self, node: cst.Name) -> None:  # noqa: N802
        self.found.append(node)

    def visit_Attribute(self, node: cst.Attribute) -> None:  # noqa: N802
        self.found.append(node)


def published(sources: Sources, events: set[str]) -> Iterator[tuple[str, int, str]]:
    """Where events are made or announced: file, line and event. A seam counts as its own line."""

    def in_file(source: SourceFile) -> Iterator[tuple[str, int, str]]:
        mentioned = any(last(event) in source.text for event in events)
        if mentioned and not source.in_tests and not source.migration:
            uses = _EventUses(sources, source, events)
            MetadataWrapper(cst.parse_module(source.text)).visit(uses)
            yield from ((source.file, line, event) for line, event in uses.found)

    return sources.each(in_file)


def last(name: str) -> str:
    return name.rpartition(".")[2]
