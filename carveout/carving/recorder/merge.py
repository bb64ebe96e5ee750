"""Merges a recording into a survey: adds its couplings, and makes those in both sure."""

import msgspec

from carveout.carving.recorder.recording import Recording
from carveout.carving.survey.coupling import EVERY, Coupling
from carveout.carving.survey.result import Survey

STATIC = ("query", "admin")
"""Kinds that the survey reads from code, for what a `join` shows at run time."""


def confirmed(found: Survey, recording: Recording) -> Survey:
    """Both together. A recorded join makes a coupling sure that the survey read from code."""
    seen = {_ends(each) for each in recording.couplings if each.kind == "join"}
    known = [_confirmed(each, seen) for each in found.couplings]
    had = {each.identity for each in known}
    read_too = {_ends(each) for each in known if each.kind in STATIC}
    new = {
        each.identity: each
        for each in recording.couplings
        if each.identity not in had and not (each.kind == "join" and _ends(each) in read_too)
    }
    known_apps = {*found.contexts, *found.vendored, *found.tests, EVERY}
    ends = {end for each in new.values() for end in (each.source, each.target)}
    return msgspec.structs.replace(
        found,
        couplings=[*known, *new.values()],
        third_party=sorted({*found.third_party, *ends} - known_apps),
    )


def _ends(each: Coupling) -> tuple[str, str]:
    return each.source_symbol, each.target_symbol


def _confirmed(each: Coupling, seen: set[tuple[str, str]]) -> Coupling:
    if not each.sure and each.kind in STATIC and _ends(each) in seen:
        return msgspec.structs.replace(each, sure=True)
    return each
