"""Rates the confidence in a plan, with reasons: what was read, inferred, or not examined."""

from collections.abc import Iterator

import msgspec

from carveout.carving.plan.cut_line import CutLine, total
from carveout.carving.plan.suggestion import Suggestion
from carveout.carving.recorder.recording import Recording
from carveout.carving.survey.result import Survey

INFERRED_MAX = 0.15
UNREACHED_MAX = 0.2
STEADY_MIN = 0.8
STRUCTURE_MIN = 0.3
"""Newman and Girvan, 2004, https://doi.org/10.1103/PhysRevE.69.026113: in practice, values above
about 0.3 indicate communities."""
LEVELS = ("high", "middle", "low")


class Reason(msgspec.Struct, frozen=True):
    text: str
    lowers: bool
    """It lowers the confidence in the plan."""


class Confidence(msgspec.Struct, frozen=True):
    level: str
    """`high` if no reason lowers it, `middle` if one does, else `low`."""
    reasons: list[Reason]


def confidence(
    found: Survey,
    lines: list[CutLine],
    recording: Recording | None,
    suggested: Suggestion | None,
) -> Confidence:
    reasons = [
        *_inferred(lines),
        *_recorded(found, recording),
        *_unread(found),
        *_decisions(lines),
        *_steady(suggested),
    ]
    lowering = sum(each.lowers for each in reasons)
    return Confidence(LEVELS[min(lowering, len(LEVELS) - 1)], reasons)


def _inferred(lines: list[CutLine]) -> Iterator[Reason]:
    count = sum(not each.coupling.sure for each in lines)
    if lines:
        share = count / len(lines)
        text = f"{count} of {len(lines)} couplings ({share:.0%}) are inferred from names alone"
        yield Reason(f"{text}; they count half", share > INFERRED_MAX)


def _recorded(found: Survey, recording: Recording | None) -> Iterator[Reason]:
    if recording is None:
        text = "nothing was recorded: shared transactions, cascades and joins that only show at"
        yield Reason(f"{text} run time are missing, so the real costs are higher", True)
        return
    yield Reason(f"{len(recording.couplings)} couplings were seen at run time", False)
    missed, modules = len(recording.unreached), max(found.modules, 1)
    if missed:
        text = f"{missed} of {modules} modules were not reached by the recording"
        yield Reason(text, missed / modules > UNREACHED_MAX)
    if recording.reached is None:
        yield Reason("it is not known which modules the recording reached", True)


def _unread(found: Survey) -> Iterator[Reason]:
    if found.unread:
        named = ", ".join(each.id for each in found.unread[:3])
        text = f"{len(found.unread)} could not be read: {named}"
        yield Reason(text + (" and more" if len(found.unread) > 3 else ""), True)


def _decisions(lines: list[CutLine]) -> Iterator[Reason]:
    """Never lowers the confidence: every monolith needs decisions. Shows how many."""
    points = total(lines)
    if points:
        share = total(each for each in lines if each.cut.doubts) / points
        yield Reason(f"{share:.0%} of the points are in cuts that need a decision first", False)


def _steady(suggested: Suggestion | None) -> Iterator[Reason]:
    if suggested is None or not suggested.contexts:
        return
    text = (
        f"{suggested.steadiness:.0%} of the pairs of apps that are grouped together stay together"
        " from other starting points and without one kind of coupling"
    )
    yield Reason(text, suggested.steadiness < STEADY_MIN)
    if suggested.modularity < STRUCTURE_MIN:
        text = f"the groups are weak: their modularity is {suggested.modularity:.2f}"
        yield Reason(f"{text}; below {STRUCTURE_MIN} there is hardly any structure", True)
