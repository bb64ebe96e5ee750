"""Findings: each coupling that running showed, once, with the tests that showed it."""

from typing import Any

import msgspec

from carveout.recorder.place import Place
from carveout.survey.coupling import Coupling

FINDINGS_MAX = 10_000
"""Of one role; what comes after is counted only."""


class Finding(msgspec.Struct):
    coupling: Coupling
    times: int = 0
    tests: int = 0
    last: str = ""


class Findings:
    """By role of the place, then by the coupling's identity."""

    def __init__(self) -> None:
        self.by_role: dict[str, dict[tuple[str, str, str], Finding]] = {}
        self.left_out = 0

    def add(
        self, kind: str, form: str, place: Place, target: str, symbol: str, test: str, **told: Any
    ) -> None:
        """One more time that it was seen. told: its details, of which the first are kept."""
        found = self.by_role.setdefault(place.role, {})
        key = kind, place.symbol, symbol
        finding = found.get(key)
        if finding is None:
            if len(found) >= FINDINGS_MAX:
                self.left_out += 1
                return
            details = {name: value for name, value in told.items() if value}
            if place.template:
                details["template"] = place.template
            if test:
                details["test"] = test
            coupling = Coupling(
                kind=kind,
                form=form,
                source=place.app,
                source_symbol=place.symbol,
                file=place.file,
                line=place.line,
                target=target,
                target_symbol=symbol,
                details=details,
            )
            finding = found[key] = Finding(coupling)
        finding.times += 1
        if finding.last != test:
            finding.last = test
            finding.tests += 1

    def couplings(self, role: str) -> list[Coupling]:
        return [_told(each) for each in self.by_role.get(role, {}).values()]


def _told(finding: Finding) -> Coupling:
    counts = {"tests": finding.tests, "times": finding.times}
    details = {**finding.coupling.details, **{name: n for name, n in counts.items() if n}}
    return msgspec.structs.replace(finding.coupling, details=details)
