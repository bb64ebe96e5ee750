"""How sure a plan is, and why: what was read, what was guessed, and what nobody looked at."""

from collections.abc import Iterator

import msgspec

from carveout.plan.line import Line, total
from carveout.plan.suggestion import Suggestion
from carveout.recorder.recording import Recording
from carveout.survey.found import Survey

GUESSED_MAX = 0.15
UNREACHED_MAX = 0.2
STEADY_MIN = 0.8
STRUCTURE_MIN = 0.3
"""Newman and Girvan, 2004, https://doi.org/10.1103/PhysRevE.69.026113: in practice values from
about 0.3 on show communities."""
LEVELS = ("high", "middle", "low")


class Reason(msgspec.Struct, frozen=True):
    text: str
    lowers: bool
    """It makes the plan less sure."""


class Surety(msgspec.Struct, frozen=True):
    level: str
    """`high` if nothing lowers it, `middle` if one thing does, else `low`."""
    reasons: list[Reason]


def surety(
    found: Survey,
    lines: list[Line],
    recording: Recording | None,
    suggested: Suggestion | None,
) -> Surety:
    reasons = [
        *_guessed(lines),
        *_recorded(found, recording),
        *_unread(found),
        *_decisions(lines),
        *_steady(suggested),
    ]
    lowering = sum(each.lowers for each in reasons)
    return Surety(LEVELS[min(lowering, len(LEVELS) - 1)], reasons)


def _guessed(lines: list[Line]) -> Iterator[Reason]:
    count = sum(not each.coupling.sure for each in lines)
    if lines:
        share = count / len(lines)
        text = f"{count} of {len(lines)} couplings ({share:.0%}) are read from names alone"
        yield Reason(f"{text}; they count half", share > GUESSED_MAX)


def _recorded(found: Survey, recording: Recording | None) -> Iterator[Reason]:
    if recording is None:
        text = "nothing was recorded: shared transactions, cascades and joins that only running"
        yield Reason(f"{text} shows are missing, so that costs are the least", True)
        return
    yield Reason(f"{len(recording.couplings)} couplings were seen running", False)
    missed, modules = len(recording.unreached), max(found.modules, 1)
    if missed:
        text = f"{missed} of {modules} modules were not reached while it was recorded"
        yield Reason(text, missed / modules > UNREACHED_MAX)
    if recording.reached is None:
        yield Reason("which modules were reached while it was recorded is not known", True)


def _unread(found: Survey) -> Iterator[Reason]:
    if found.unread:
        text = f"{len(found.unread)} could not be read: {', '.join(found.unread[:3])}"
        yield Reason(text + (" and more" if len(found.unread) > 3 else ""), True)


def _decisions(lines: list[Line]) -> Iterator[Reason]:
    """Not lowering: it is so with every monolith, and says where people are needed."""
    points = total(lines)
    if points:
        share = total(each for each in lines if each.cut.doubts) / points
        yield Reason(f"{share:.0%} of the points are in cuts that a person decides first", False)


def _steady(suggested: Suggestion | None) -> Iterator[Reason]:
    if suggested is None or not suggested.contexts:
        return
    text = (
        f"{suggested.steadiness:.0%} of the pairs of apps that are grouped together stay so from"
        " other starts and without one kind of coupling"
    )
    yield Reason(text, suggested.steadiness < STEADY_MIN)
    if suggested.modularity < STRUCTURE_MIN:
        text = f"the groups are weak: their modularity is {suggested.modularity:.2f}"
        yield Reason(f"{text}, and {STRUCTURE_MIN} is where a structure begins", True)
