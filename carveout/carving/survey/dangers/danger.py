"""Describes a danger: one place that breaks when apps are carved, whichever app is carved."""

import msgspec

from carveout.carving.survey.facts import Scope
from carveout.carving.survey.sources import SourceFile


class Danger(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    app: str
    symbol: str
    file: str
    line: int
    target_symbol: str
    """The function called, the row saved or the signal sent there."""
    text: str

    @property
    def at(self) -> str:
        return f"{self.file}:{self.line}"


def danger(
    source: SourceFile, line: int, place: Scope, kind: str, target_symbol: str, text: str
) -> Danger:
    return Danger(
        kind=kind,
        app=source.app,
        symbol=source.symbol(place.scope),
        file=source.file,
        line=line,
        target_symbol=target_symbol,
        text=text,
    )
