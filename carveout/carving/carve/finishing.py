"""Finishes seams: first their subscriptions handle plain events too, then only these are left.

Each of the two steps is a deployment. A process of the step before or after it neither loses an
event nor handles it twice.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import libcst as cst

from carveout.carving.carve import seam_removal
from carveout.carving.carve.planned import Planned
from carveout.carving.carve.problem import CarveRefused, Problem, Rewritten
from carveout.carving.carve.seam_files import (
    SeamFile,
    SeamSubscription,
    last,
    published,
    seam_files,
)
from carveout.carving.survey.project import Project
from carveout.carving.survey.sources import Sources
from carveout.conf.validation import suggest

SUBSCRIBES, PUBLISHES = 1, 2


@dataclass
class Finished(Planned):
    """What a step would change."""

    seams: Sequence[str]
    step: int = 0
    """0: nothing is left to do."""
    changes: list[Rewritten] = field(default_factory=list)


def finish(sources: Sources, seams: Sequence[str]) -> Finished:
    """Raises: CarveRefused: there is no such seam in the code."""
    files = list(seam_files(sources))
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
        for each in lacking:
            _subscribe(found, each)
    elif any(call.seam in seams for each in files for call in each.calls):
        found.step = PUBLISHES
        _publish(found, files, sources.project)
    if found.step:
        found.blocking += _published_elsewhere(sources, files, seams)
    found.unread = sources.unread
    return found


def _lacks(subscription: SeamSubscription, seams: Sequence[str]) -> bool:
    """Whether a subscription handles events of these seams, but no plain ones yet."""
    return bool(subscription.seams & {*seams}) and "" not in subscription.seams


def _published_elsewhere(
    sources: Sources, files: Sequence[SeamFile], seams: Sequence[str]
) -> Iterator[Problem]:
    """Other places that publish the events: the seams' subscriptions would handle these too."""
    ours = [call for each in files for call in each.calls if call.seam in seams]
    events = {call.event for call in ours}
    names = {last(event) for event in events}
    for each in files:
        for one in each.subscribes:
            for type_ in one.types if one.seams & {*seams} else ():
                if last(type_) not in names:
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
                    f"the seam {call.seam} publishes {last(call.event)} too",
                    f"finish them together: add --finish {call.seam}",
                )
    in_seams = {(each.source.file, call.line) for each in files for call in each.calls}
    for file, line, event in published(sources, events):
        if (file, line) not in in_seams:
            yield Problem(
                file,
                line,
                f"{last(event)} is published here without these seams, and their subscriptions"
                " would handle that event too",
                "let the seam publish an event type of its own; until then keep it",
            )


def _subscribe(found: Finished, each: SeamFile) -> None:
    """Let the subscriptions handle plain events too."""
    arguments: dict[cst.CSTNode, cst.CSTNode] = {}
    for one in each.subscribes:
        if _lacks(one, found.seams):
            value = f"({', '.join(_quoted(name) for name in (*sorted(one.seams), ''))})"
            new = one.argument.with_changes(value=cst.parse_expression(value))
            arguments[one.argument] = new
            found.changes.append(
                Rewritten(each.source.file, one.line, one.function, f"seam={value}")
            )
    found.put(each.source.path, each.module.visit(_ReplaceArguments(arguments)).code)


def _quoted(name: str) -> str:
    return f'"{name}"'


class _ReplaceArguments(cst.CSTTransformer):
    def __init__(self, replaced: Mapping[cst.CSTNode, cst.CSTNode]) -> None:
        super().__init__()
        self.replaced = replaced

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:  # noqa: N802
        return self.replaced.get(original_node, updated_node)  # type: ignore[return-value]


def _publish(found: Finished, files: Sequence[SeamFile], project: Project) -> None:
    """Replace the calls by their events."""
    by_event: dict[str, set[str]] = defaultdict(set)
    for call in (call for each in files for call in each.calls if call.seam in found.seams):
        by_event[call.event].add(call.seam)
    for each in files:
        if removal := seam_removal.remove(each, by_event, project):
            found.changes += removal.changes
            found.blocking += removal.blocking
            found.put(each.source.path, removal.text)
