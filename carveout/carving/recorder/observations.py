"""Collects each coupling that was seen at run time once, with the tests that showed it."""

from typing import Any

import msgspec

from carveout.carving.recorder.code_location import CodeLocation
from carveout.carving.survey.coupling import Coupling

OBSERVATIONS_MAX = 10_000
"""Per role; further ones are only counted."""


class Observation(msgspec.Struct):
    coupling: Coupling
    times: int = 0
    tests: int = 0
    last: str = ""


class Observations:
    """Observations by role of the code location, then by the coupling's identity."""

    def __init__(self) -> None:
        self.by_role: dict[str, dict[tuple[str, str, str], Observation]] = {}
        self.left_out = 0

    def add(
        self,
        kind: str,
        form: str,
        place: CodeLocation,
        target: str,
        symbol: str,
        test: str,
        **details: Any,
    ) -> None:
        """Counts one more time that it was seen, and keeps the details of the first time."""
        found = self.by_role.setdefault(place.role, {})
        key = kind, place.symbol, symbol
        observation = found.get(key)
        if observation is None:
            if len(found) >= OBSERVATIONS_MAX:
                self.left_out += 1
                return
            details = {name: value for name, value in details.items() if value}
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
            observation = found[key] = Observation(coupling)
        observation.times += 1
        if observation.last != test:
            observation.last = test
            observation.tests += 1

    def couplings(self, role: str) -> list[Coupling]:
        return [_with_counts(each) for each in self.by_role.get(role, {}).values()]


def _with_counts(seen: Observation) -> Coupling:
    counts = {"tests": seen.tests, "times": seen.times}
    details = {**seen.coupling.details, **{name: n for name, n in counts.items() if n}}
    return msgspec.structs.replace(seen.coupling, details=details)
