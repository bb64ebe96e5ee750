"""Finishes seams: first their subscriptions handle plain events too, then only these are left.

Each of the two steps is a deployment. A process of the step before or after it neither loses an
event nor handles it twice.
"""

import re
from ast import literal_eval
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import indent
from typing import NamedTuple

import libcst as cst
from libcst.codemod import CodemodContext
from libcst.codemod.visitors import RemoveImportsVisitor
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider

from carveout.carving.carve import imports
from carveout.carving.carve.expressions import code, dotted
from carveout.carving.carve.problem import CarveRefused, Problem
from carveout.carving.carve.seam_rewrite import SEAM, is_atomic, opens
from carveout.carving.survey.project import Project
from carveout.carving.survey.sources import SourceFile, Sources
from carveout.conf import get_settings
from carveout.conf.validation import suggest

SUBSCRIBES, PUBLISHES = 1, 2


class Rewritten(NamedTuple):
    """A line that a step changes, and what becomes of it."""

    file: str
    line: int
    scope: str
    becomes: str


@dataclass
class Finished:
    """What a step would change."""

    seams: Sequence[str]
    step: int = 0
    """0: nothing is left to do."""
    changes: list[Rewritten] = field(default_factory=list)
    blocking: list[Problem] = field(default_factory=list)
    old: dict[Path, str] = field(default_factory=dict)
    new: dict[Path, str] = field(default_factory=dict)

    @property
    def changed(self) -> list[Path]:
        return sorted(path for path, text in self.new.items() if self.old[path] != text)


class _Call(NamedTuple):
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


class _Subscription(NamedTuple):
    """A subscription with `seam=`."""

    argument: cst.Arg
    line: int
    function: str
    seams: frozenset[str]
    types: list[str]


class _File(NamedTuple):
    source: SourceFile
    module: cst.Module
    calls: list[_Call]
    subscribes: list[_Subscription]
    problems: list[Problem]


def finish(sources: Sources, seams: Sequence[str]) -> Finished:
    """Raises: CarveRefused: there is no such seam in the code."""
    files = list(_files(sources))
    subscribed = {name for each in files for one in each.subscribes for name in one.seams}
    known = subscribed | {call.seam for each in files for call in each.calls}
    for name in seams:
        if name not in known - {""}:
            raise CarveRefused(f"No code has a seam {name!r}. {suggest(name, known - {''})}")
    found = Finished(seams)
    found.blocking += [problem for each in files for problem in each.problems]
    lacking = [each for each in files if any(_lacks(one, seams) for one in each.subscribes)]
    found.blocking += [
        Problem("subscribers.py", 0, f'no subscription has seam="{name}"', "write one, or name it")
        for name in seams
        if name not in subscribed
    ]
    if lacking:
        found.step = SUBSCRIBES
        found.blocking += _published_elsewhere(sources, files, seams)
        for each in lacking:
            _subscribe(found, each)
    elif any(call.seam in seams for each in files for call in each.calls):
        found.step = PUBLISHES
        found.blocking += _published_elsewhere(sources, files, seams)
        for each in files:
            _publish(found, each, sources.project)
    return found


def _lacks(subscription: _Subscription, seams: Sequence[str]) -> bool:
    """Whether a subscription handles events of these seams, but no plain ones yet."""
    return bool(subscription.seams & {*seams}) and "" not in subscription.seams


# -- Reading -----------------------------------------------------------------------------------


def _files(sources: Sources) -> Iterator[_File]:
    for source in sources:
        text = source.path.read_bytes().decode("utf-8", "replace")
        if "seam" in text and not source.in_tests and not source.migration:
            wrapper = MetadataWrapper(cst.parse_module(text))
            search = _SeamSearch(sources, source)
            wrapper.visit(search)
            if search.calls or search.subscribes or search.problems:
                yield _File(
                    source, wrapper.module, search.calls, search.subscribes, search.problems
                )


class _SeamSearch(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (ParentNodeProvider, PositionProvider)

    def __init__(self, sources: Sources, source: SourceFile) -> None:
        super().__init__()
        self.sources, self.source = sources, source
        self.calls: list[_Call] = []
        self.subscribes: list[_Subscription] = []
        self.problems: list[Problem] = []

    def visit_Call(self, node: cst.Call) -> None:  # noqa: N802 - libcst's name
        name = self._resolved(node.func)
        if name in (SEAM, "carveout.seams.seam.seam"):
            self._seam(node)
        elif name.rpartition(".")[2] == "subscribe":
            for argument in node.args:
                if argument.keyword and argument.keyword.value == "seam":
                    self._subscription(node, argument)

    def _subscription(self, node: cst.Call, argument: cst.Arg) -> None:
        line = self._line(node)
        try:
            given = literal_eval(code(argument.value))
            names = frozenset(given if isinstance(given, tuple) else (given,))
        except ValueError:
            text = f"`seam={code(argument.value)}` can't be read"
            self.problems.append(Problem(self.source.file, line, text, "write the name itself"))
            return
        function = self.get_metadata(ParentNodeProvider, self._parent(node), None)
        inside = function.name.value if isinstance(function, cst.FunctionDef) else ""
        types = [
            str(literal_eval(code(each.value)))
            for each in node.args
            if isinstance(each.value, cst.SimpleString) and each.keyword is None
        ]
        self.subscribes.append(_Subscription(argument, line, inside, names, types))

    def _seam(self, node: cst.Call) -> None:
        around = list(self._around(node))
        name, event, statement = _text_of(node), _event_of(node), _statement(around)
        if name is None or event is None or statement is None:
            text = "this seam is not as `carve` writes it"
            problem = Problem(self.source.file, self._line(node), text, "finish it by hand")
            self.problems.append(problem)
            return
        scopes = [each for each in around if isinstance(each, cst.FunctionDef | cst.ClassDef)]
        scope = ".".join(each.name.value for each in reversed(scopes))
        inside = around[2 : around.index(scopes[0])] if scopes else around[2:]
        self.calls.append(
            _Call(
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

    def _resolved(self, node: cst.BaseExpression, scope: str = "") -> str:
        name = dotted(node)
        return self.sources.origin(self.source.facts.resolve(name, scope)) if name else ""

    def _line(self, node: cst.CSTNode) -> int:
        return int(self.get_metadata(PositionProvider, node).start.line)

    def _parent(self, node: cst.CSTNode) -> cst.CSTNode:
        parent: cst.CSTNode = self.get_metadata(ParentNodeProvider, node)
        return parent

    def _around(self, node: cst.CSTNode) -> Iterable[cst.CSTNode]:
        while not isinstance(node, cst.Module):
            node = self._parent(node)
            yield node


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


# -- What stands in the way --------------------------------------------------------------------


def _published_elsewhere(
    sources: Sources, files: Sequence[_File], seams: Sequence[str]
) -> Iterator[Problem]:
    """Other places that publish the events: the seams' subscriptions would handle these too."""
    ours = [call for each in files for call in each.calls if call.seam in seams]
    events = {call.event for call in ours}
    names = {_last(event) for event in events}
    for each in files:
        for one in each.subscribes:
            for type_ in one.types if one.seams & {*seams} else ():
                if _last(type_) not in names:
                    yield Problem(
                        each.source.file,
                        one.line,
                        f"{one.function} handles {type_} too, which these seams do not publish",
                        "handle that in a subscription of its own",
                    )
        for call in each.calls:
            if call.event in events and call.seam not in seams:
                yield Problem(
                    each.source.file,
                    call.line,
                    f"the seam {call.seam} publishes {_last(call.event)} too",
                    f"finish them together: add --finish {call.seam}",
                )
    in_seams = {(each.source.file, call.line) for each in files for call in each.calls}
    for source in sources:
        if source.in_tests or source.migration:
            continue
        text = source.path.read_text("utf-8", errors="replace")
        if not any(_last(event) in text for event in events):
            continue
        uses = _Uses(sources, source, events)
        MetadataWrapper(cst.parse_module(text)).visit(uses)
        for line, event in uses.found:
            if (source.file, line) not in in_seams:
                yield Problem(
                    source.file,
                    line,
                    f"{_last(event)} is published here without these seams, and their"
                    " subscriptions would handle that event too",
                    "let the seam publish an event type of its own; until then keep it",
                )


class _Uses(cst.CSTVisitor):
    """Where events are made or announced. A seam counts as its own line."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, sources: Sources, source: SourceFile, events: set[str]) -> None:
        super().__init__()
        self.sources, self.source, self.events = sources, source, events
        self.found: list[tuple[int, str]] = []
        self._seam_line = 0

    def visit_Call(self, node: cst.Call) -> None:  # noqa: N802
        name = self._resolved(node.func)
        line = int(self.get_metadata(PositionProvider, node).start.line)
        if name in (SEAM, "carveout.seams.seam.seam"):
            self._seam_line = line
        if name in self.events:
            self.found.append((self._seam_line or line, name))
        if name.rpartition(".")[2] == "announces":
            inside = _Names()
            node.visit(inside)
            named = (self._resolved(each) for each in inside.found)
            self.found += [(line, each) for each in named if each in self.events]

    def leave_Call(self, original_node: cst.Call) -> None:  # noqa: N802
        if self._resolved(original_node.func) in (SEAM, "carveout.seams.seam.seam"):
            self._seam_line = 0

    def _resolved(self, node: cst.BaseExpression) -> str:
        name = dotted(node)
        return self.sources.origin(self.source.facts.resolve(name)) if name else ""


class _Names(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[cst.Name | cst.Attribute] = []

    def visit_Name(self, node: cst.Name) -> None:  # noqa: N802
        self.found.append(node)

    def visit_Attribute(self, node: cst.Attribute) -> None:  # noqa: N802
        self.found.append(node)


def _last(name: str) -> str:
    return name.rpartition(".")[2]


# -- The first step ----------------------------------------------------------------------------


def _subscribe(found: Finished, each: _File) -> None:
    """Let the subscriptions handle plain events too."""
    arguments: dict[cst.CSTNode, cst.CSTNode] = {}
    for one in each.subscribes:
        if _lacks(one, found.seams):
            value = f"({', '.join(_quoted(name) for name in (*sorted(one.seams), ''))})"
            new = one.argument.with_changes(value=cst.parse_expression(value))
            arguments[one.argument] = new
            found.changes.append(Rewritten(each.source.file, one.line, one.function, f"seam={value}"))
    _put(found, each.source, each.module.visit(_ReplaceArguments(arguments)).code)


def _quoted(name: str) -> str:
    return f'"{name}"'


class _ReplaceArguments(cst.CSTTransformer):
    def __init__(self, replaced: Mapping[cst.CSTNode, cst.CSTNode]) -> None:
        super().__init__()
        self.replaced = replaced

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:  # noqa: N802
        return self.replaced.get(original_node, updated_node)  # type: ignore[return-value]


# -- The second step ---------------------------------------------------------------------------


def _publish(found: Finished, each: _File, project: Project) -> None:
    """Replace the seams by the events that they publish; one event for those at one place."""
    ours = [call for call in each.calls if call.seam in found.seams]
    if not ours:
        return
    statements: dict[cst.CSTNode, cst.BaseStatement | None] = {}
    for calls in _by_fact(ours).values():
        together = len({call.seam for call in calls}) > 1
        kept = min(calls, key=lambda call: (_tries(call), call.line))
        if together:
            found.blocking += _not_one_fact(each.source.file, kept, calls)
        for call in calls:
            gone = together and call is not kept
            statements[call.statement] = None if gone else _published(call)
            becomes = f"line {kept.line} publishes its event" if gone else _shown(call)
            found.changes.append(Rewritten(each.source.file, call.line, call.scope, becomes))
    publish = _Publish(statements)
    module = each.module.visit(publish)
    wanted = {("carveout", "")}
    if any(_wraps(call) for call in ours):
        wanted.add(("django.db", "transaction"))
    text = imports.add(module.code, wanted, lambda name: project.is_own(project.app_of(name)))
    _put(found, each.source, _without_unused(text, each.source, _roots(publish.removed)))


def _by_fact(calls: Iterable[_Call]) -> dict[tuple[str, str], list[_Call]]:
    """Seams of one function with one event type are about one fact."""
    found: dict[tuple[str, str], list[_Call]] = defaultdict(list)
    for call in calls:
        found[call.scope, call.event].append(call)
    return found


def _not_one_fact(file: str, kept: _Call, calls: Sequence[_Call]) -> Iterator[Problem]:
    """Calls of several seams that can't be replaced by one event."""
    seams = Counter(call.seam for call in calls)
    for call in calls:
        always = all(isinstance(each, _ALWAYS) for each in (*call.around, *kept.around))
        if seams[call.seam] > 1 or not always or code(call.made) != code(kept.made):
            others = ", ".join(sorted({*seams} - {call.seam}))
            yield Problem(
                file,
                call.line,
                f"{call.seam} and {others} publish {_last(call.event)} in {call.scope}, but not"
                " always together, and each event would reach both",
                f"call each once, next to line {kept.line}, with the same event",
            )


def _shown(call: _Call) -> str:
    return f"carveout.publish({' '.join(code(call.made).split())})"


_ALWAYS = (cst.With, cst.Try, cst.IndentedBlock)


def _tries(call: _Call) -> int:
    return sum(isinstance(each, cst.Try) for each in call.around)


def _database(call: _Call) -> str:
    """The database of the event's context, unless it is the default one."""
    settings = get_settings()
    for context in settings.contexts.values():
        if any(call.event.startswith(f"{app}.") for app in context.apps):
            return "" if context.database == "default" else context.database
    return ""


def _wraps(call: _Call) -> bool:
    """Whether the event needs a transaction of its own, as the seam opened one."""
    return not call.atomic or bool(_database(call))


def _published(call: _Call) -> cst.BaseStatement:
    event = re.sub(r"\n {4}", "\n", code(call.made))
    text = f"carveout.publish({event})"
    if _wraps(call):
        using = _database(call) and f'using="{_database(call)}"'
        text = f"with transaction.atomic({using}):\n{indent(text, '    ')}"
    statement = cst.parse_statement(f"{text}\n")
    return statement.with_changes(leading_lines=call.statement.leading_lines)


class _Publish(cst.CSTTransformer):
    """Replaces statements, and removes those that are given as None and what they leave empty."""

    def __init__(self, statements: Mapping[cst.CSTNode, cst.BaseStatement | None]) -> None:
        super().__init__()
        self.statements = statements
        self.gone = {node for node, new in statements.items() if new is None}
        self.removed: list[cst.CSTNode] = [*statements]

    def leave_SimpleStatementLine(  # noqa: N802
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.RemovalSentinel:
        if original_node not in self.statements:
            return updated_node
        return self.statements[original_node] or cst.RemoveFromParent()

    def leave_Try(  # noqa: N802
        self, original_node: cst.Try, updated_node: cst.Try
    ) -> cst.BaseStatement | cst.RemovalSentinel:
        return self._emptied(original_node, updated_node)

    def leave_With(  # noqa: N802
        self, original_node: cst.With, updated_node: cst.With
    ) -> cst.BaseStatement | cst.RemovalSentinel:
        if not all(opens(item.item) for item in original_node.items):
            return updated_node
        return self._emptied(original_node, updated_node)

    def _emptied(
        self, old: cst.Try | cst.With, new: cst.Try | cst.With
    ) -> cst.BaseStatement | cst.RemovalSentinel:
        if not {*old.body.body} <= self.gone:
            return new
        self.removed.append(old)
        return cst.RemoveFromParent()


def _roots(nodes: Iterable[cst.CSTNode]) -> set[str]:
    """The first names of all that these nodes use."""
    used = _Names()
    for node in nodes:
        node.visit(used)
    return {dotted(each).partition(".")[0] for each in used.found if dotted(each)}


def _without_unused(text: str, source: SourceFile, names: set[str]) -> str:
    """The file without the imports of these names that nothing uses any more."""
    module = cst.parse_module(text)
    package = source.facts.module.rpartition(".")[0]
    context = CodemodContext(full_module_name=source.facts.module, full_package_name=package)
    for statement in module.body:
        for each in statement.body if isinstance(statement, cst.SimpleStatementLine) else ():
            if not isinstance(each, cst.Import | cst.ImportFrom):
                continue
            for alias in () if isinstance(each.names, cst.ImportStar) else each.names:
                bound = alias.evaluated_alias or alias.evaluated_name.partition(".")[0]
                if bound not in names:
                    continue
                origin = source.facts.names.get(bound, "")
                taken = isinstance(each, cst.ImportFrom)
                RemoveImportsVisitor.remove_unused_import(
                    context,
                    origin.rpartition(".")[0] if taken else alias.evaluated_name,
                    alias.evaluated_name if taken else None,
                    alias.evaluated_alias,
                )
    return _apart_as_before(module, RemoveImportsVisitor(context).transform_module(module)).code


def _apart_as_before(old: cst.Module, new: cst.Module) -> cst.Module:
    """Give an import the blank line that came with a removed one before it."""
    before, body = list(old.body), list(new.body)
    for place, statement in enumerate(body):
        skipped = []
        while before and not _same(before[0], statement):
            skipped.append(before.pop(0))
        before = before[1:]
        blank = [line for each in skipped for line in _blank(each)]
        if blank and place and not _blank(statement):
            lines = [*blank[:1], *getattr(statement, "leading_lines", ())]
            body[place] = statement.with_changes(leading_lines=lines)
    return new.with_changes(body=body)


def _same(one: cst.CSTNode, other: cst.CSTNode) -> bool:
    """Whether two statements are the same, but for names that were removed from an import."""
    if isinstance(one, cst.SimpleStatementLine) and isinstance(other, cst.SimpleStatementLine):
        here, there = one.body[0], other.body[0]
        if isinstance(here, cst.ImportFrom) and isinstance(there, cst.ImportFrom):
            same_module = code(here.module or here) == code(there.module or there)
            return same_module and len(here.relative) == len(there.relative)
    return one.deep_equals(other)


def _blank(statement: cst.CSTNode) -> list[cst.EmptyLine]:
    lines: Sequence[cst.EmptyLine] = getattr(statement, "leading_lines", ())
    return [line for line in lines if line.comment is None]


def _put(found: Finished, source: SourceFile, text: str) -> None:
    found.old[source.path] = source.path.read_bytes().decode()
    found.new[source.path] = text
