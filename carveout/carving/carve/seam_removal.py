"""Replaces seams by the events that they publish: the second step of finishing them."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import indent
from typing import NamedTuple

import libcst as cst

from carveout.carving.carve import imports
from carveout.carving.carve.expressions import code
from carveout.carving.carve.problem import Problem, Rewritten
from carveout.carving.carve.seam_files import SeamCall, SeamFile, last
from carveout.carving.carve.seam_rewrite import opens
from carveout.carving.carve.unused_imports import first_names, without_unused
from carveout.carving.survey.project import Project
from carveout.conf import get_settings


class Removal(NamedTuple):
    """A file without seams."""

    text: str
    changes: list[Rewritten]
    blocking: list[Problem]


def remove(file: SeamFile, seams: Mapping[str, set[str]], project: Project) -> Removal | None:
    """Replace seams by the events that they publish; one event for those at one place.

    seams: those that are finished, by the event that they publish.

    Returns: None if the file has none of them.
    """
    ours = [call for call in file.calls if call.seam in seams.get(call.event, ())]
    if not ours:
        return None
    changes: list[Rewritten] = []
    blocking: list[Problem] = []
    statements: dict[cst.CSTNode, cst.BaseStatement | None] = {}
    for calls in _by_fact(ours).values():
        together = len(seams[calls[0].event]) > 1
        kept = min(calls, key=lambda call: (_tries(call), call.line))
        if together:
            blocking += _not_one_fact(file.source.file, kept, calls, seams[kept.event])
        for call in calls:
            gone = together and call is not kept
            statements[call.statement] = None if gone else _published(call)
            becomes = f"line {kept.line} publishes its event" if gone else _shown(call)
            changes.append(Rewritten(file.source.file, call.line, call.scope, becomes))
    publish = _Publish(statements)
    module = file.module.visit(publish)
    wanted = {("carveout", "")}
    if any(_wraps(call) for call in ours):
        wanted.add(("django.db", "transaction"))
    text = imports.add(module.code, wanted, lambda name: project.is_own(project.app_of(name)))
    text = without_unused(text, file.source, first_names(publish.removed))
    return Removal(text, changes, blocking)


def _by_fact(calls: Iterable[SeamCall]) -> dict[tuple[str, str], list[SeamCall]]:
    """Seams of one function with one event type are about one fact."""
    found: dict[tuple[str, str], list[SeamCall]] = defaultdict(list)
    for call in calls:
        found[call.scope, call.event].append(call)
    return found


def _not_one_fact(
    file: str, kept: SeamCall, calls: Sequence[SeamCall], seams: set[str]
) -> Iterator[Problem]:
    """Calls of several seams that can't be replaced by one event. seams: all that publish it."""
    times = Counter(call.seam for call in calls)
    for call in calls:
        always = all(isinstance(each, _ALWAYS) for each in (*call.around, *kept.around))
        once = {*times} == seams and times[call.seam] == 1
        if not once or not always or code(call.made) != code(kept.made):
            others = ", ".join(sorted(seams - {call.seam}))
            yield Problem(
                file,
                call.line,
                f"{call.seam} and {others} publish {last(call.event)}, but not always together in"
                f" {call.scope}, and each event would reach both",
                f"call each once, next to line {kept.line}, with the same event",
            )


def _shown(call: SeamCall) -> str:
    return f"carveout.publish({' '.join(code(call.made).split())})"


_ALWAYS = (cst.With, cst.Try, cst.IndentedBlock)


def _tries(call: SeamCall) -> int:
    return sum(isinstance(each, cst.Try) for each in call.around)


def _database(call: SeamCall) -> str:
    """The database of the event's context, unless it is the default one."""
    settings = get_settings()
    for context in settings.contexts.values():
        if any(call.event.startswith(f"{app}.") for app in context.apps):
            return "" if context.database == "default" else context.database
    return ""


def _wraps(call: SeamCall) -> bool:
    """Whether the event needs a transaction of its own, as the seam opened one."""
    return not call.atomic or bool(_database(call))


def _published(call: SeamCall) -> cst.BaseStatement:
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
