"""A danger: one place that makes carving go wrong, whatever is carved."""

import msgspec

from carveout.survey.facts import Place
from carveout.survey.sources import Source


class Danger(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    app: str
    symbol: str
    file: str
    line: int
    target_symbol: str
    """What is called, saved or sent there."""
    text: str

    @property
    def at(self) -> str:
        return f"{self.file}:{self.line}"


def danger(
    source: Source, line: int, place: Place, kind: str, target_symbol: str, text: str
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
