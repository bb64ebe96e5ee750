"""Dangers: what makes carving go wrong where it stands, whatever is carved."""

from collections.abc import Iterator

import msgspec
from django.db import connections
from django.db.models import Model

from carveout.survey.coupling import EVERY
from carveout.survey.facts import Call, Place
from carveout.survey.project import SHELL
from carveout.survey.reach import Reach
from carveout.survey.rows import MANAGERS, Rows
from carveout.survey.sources import Source, Sources

SIGNALS = ("send", "send_robust")
ATOMIC = "ATOMIC_REQUESTS"


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


def dangers(sources: Sources, rows: Rows) -> Iterator[Danger]:
    reach = Reach(sources)
    yield from _settings(sources)
    for source in sources:
        if source.migration or source.in_tests:
            continue
        for each in source.facts.swallows:
            called = (reach.called(source, name, each.place.scope) for name in each.calls)
            symbol = next((name for name in called if sources.project.app_of(name)), "")
            text = "an exception is swallowed inside a transaction, which goes on all the same"
            yield _danger(source, each.line, each.place, "swallowed exception", symbol, text)
        for call in source.facts.calls:
            yield from _outside(source, call, reach)
            yield from _late_signal(source, call)
            yield from _whole_row(source, call, rows)


def _settings(sources: Sources) -> Iterator[Danger]:
    if not any(each.get(ATOMIC) for each in connections.settings.values()):  # opens none
        return
    text = f"{ATOMIC}: each request is one transaction over all that it calls"
    lacking = f"{ATOMIC} is not set here: these settings hide transactions that production shares"
    for source in sources:
        definition = source.facts.definitions.get("DATABASES")
        if source.app != SHELL or definition is None:
            continue
        line = source.line_of(ATOMIC)
        symbol = source.symbol("DATABASES")
        yield Danger(
            kind="atomic requests" if line else "tests lack atomic requests",
            app=SHELL,
            symbol=symbol,
            file=source.file,
            line=line or definition.line,
            target_symbol=EVERY,
            text=text if line else lacking,
        )


def _outside(source: Source, call: Call, reach: Reach) -> Iterator[Danger]:
    what, symbol = reach.of(source, call) if call.place.atomic else ("", "")
    if what:
        text = f"{call.name} reaches {what} inside a transaction, which it holds open and may undo"
        yield _danger(source, call.line, call.place, f"{what} in transaction", symbol, text)


def _late_signal(source: Source, call: Call) -> Iterator[Danger]:
    """A signal that is sent in a function after a transaction of it has ended."""
    name = source.facts.resolve(call.name.rpartition(".")[0])
    if call.last not in SIGNALS or ".signals." not in f".{name}" or call.place.atomic:
        return
    if call.line > source.facts.ends.get(call.place.scope, call.line):
        text = f"{call.name} is sent after its transaction: a crash between loses it"
        yield _danger(source, call.line, call.place, "signal after transaction", name, text)


def _whole_row(source: Source, call: Call, rows: Rows) -> Iterator[Danger]:
    row = _fetched(source, call, rows)
    if row is not None and row._meta.app_label != source.app:
        text = f"{call.name}() writes every column of a {row._meta.label}, as it was when read"
        yield _danger(source, call.line, call.place, "whole row saved", row._meta.label, text)


def _fetched(source: Source, call: Call, rows: Rows) -> type[Model] | None:
    """The model of a row that a query gave and that is saved without a list of fields."""
    variable, _, method = call.name.rpartition(".")
    if method != "save" or "update_fields" in call.keywords or "." in variable:
        return None
    if not MANAGERS.search(source.facts.resolve(variable, call.place.scope)):
        return None
    found, _ = rows.of(source, variable, call.place.scope)
    return found if found is not None and rows.is_own(found) else None


def _danger(
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
