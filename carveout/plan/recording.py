"""What was seen running, as `pytest --carveout-record` writes it, added to a survey."""

import json
from pathlib import Path
from typing import Any

import msgspec

from carveout.errors import SettingsInvalid
from carveout.survey.coupling import EVERY, Coupling
from carveout.survey.survey import Survey

STATIC = ("query", "admin")
"""Kinds that read from code what a `join` shows running."""


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    couplings: list[Coupling]
    unreached: list[str]
    """Modules that nothing reached while it was recorded."""
    blind: bool = False
    """It was not watched which modules are reached."""
    odd: int = 0
    """Entries that are no couplings as this version knows them."""


def read(path: Path) -> Recording:
    """Entries and fields that this version does not know are left out.

    Raises: SettingsInvalid: no such file, or no recording.
    """
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsInvalid(f"--recorded: {path} is no recording: {error}") from error
    if not isinstance(told, dict) or not isinstance(told.get("couplings"), list):
        raise SettingsInvalid(f"--recorded: {path} lists no couplings.")
    couplings = [each for each in map(_coupling, told["couplings"]) if each]
    return Recording(
        couplings=couplings,
        unreached=_unreached(told),
        blind="reached" in told and told["reached"] is None,
        odd=len(told["couplings"]) - len(couplings),
    )


def _coupling(entry: Any) -> Coupling | None:
    try:
        return msgspec.convert(entry, Coupling)
    except msgspec.ValidationError:
        return None


def _unreached(told: dict[str, Any]) -> list[str]:
    listed = told.get("unreached", [])
    return [str(each) for each in listed] if isinstance(listed, list) else []


def added(found: Survey, recording: Recording) -> Survey:
    """Both together; a join that the survey had read from code makes that one sure."""
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
