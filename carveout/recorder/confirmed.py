"""A survey confirmed: what a recording shows is added, and what it shows too becomes sure."""

import msgspec

from carveout.recorder.recording import Recording
from carveout.survey.coupling import EVERY, Coupling
from carveout.survey.found import Survey

STATIC = ("query", "admin")
"""Kinds that read from code what a `join` shows running."""


def confirmed(found: Survey, recording: Recording) -> Survey:
    """Both together. A join that the survey had read from code makes that one sure."""
    seen = {_ends(each) for each in recording.couplings if each.kind == "join"}
    known = [_confirmed(each, seen) for each in found.couplings]
    had = {each.identity for each in known}
    read_too = {_ends(each) for each in known if each.kind in STATIC}
    new = {
        each.identity: each
        for each in recording.couplings
        if each.identity not in had and not (each.kind == "join" and _ends(each) in read_too)
    }
    ends = {end for each in new.values() for end in (each.source, each.target)}
    return msgspec.structs.replace(
        found,
        couplings=[*known, *new.values()],
        third_party=sorted({*found.third_party, *ends} - {*found.contexts, EVERY}),
    )


def _ends(each: Coupling) -> tuple[str, str]:
    return each.source_symbol, each.target_symbol


def _confirmed(each: Coupling, seen: set[tuple[str, str]]) -> Coupling:
    if not each.sure and each.kind in STATIC and _ends(each) in seen:
        return msgspec.structs.replace(each, sure=True)
    return each
