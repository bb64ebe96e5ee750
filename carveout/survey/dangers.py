"""Dangers: what makes carving go wrong where it stands, whatever is carved."""

from collections.abc import Iterator

import msgspec
from django.db import connections
from django.db.models import Model

from carveout.survey.facts import Call
from carveout.survey.models import Models
from carveout.survey.queries import MANAGERS, root_of
from carveout.survey.sources import Source, Sources

OUTSIDE = {
    "django.core.mail.": "mail",
    "requests.": "HTTP",
    "httpx.": "HTTP",
    "urllib.request.urlopen": "HTTP",
}
"""What leaves the process, by how its dotted name begins."""
BUILDING = ("EmailMessage", "EmailMultiAlternatives", "Session", "Client", "get_connection")
"""Of these: what only prepares."""
SIGNALS = ("send", "send_robust")


class Danger(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    app: str
    symbol: str
    file: str
    line: int
    text: str

    @property
    def at(self) -> str:
        return f"{self.file}:{self.line}" if self.file else "settings"


def dangers(sources: Sources, models: Models) -> Iterator[Danger]:
    yield from _settings()
    for source in sources:
        if source.migration:
            continue
        for each in source.facts.swallows:
            yield _danger(
                source,
                each,
                "swallowed exception",
                "an exception is swallowed inside a transaction, which commits all the same",
            )
        for call in source.facts.calls:
            yield from _of_call(source, call, models)


def _settings() -> Iterator[Danger]:
    for alias in connections:
        if connections[alias].settings_dict.get("ATOMIC_REQUESTS"):
            yield Danger(
                kind="atomic requests",
                app="(project)",
                symbol=f"DATABASES[{alias!r}]",
                file="",
                line=0,
                text="ATOMIC_REQUESTS: every request is one transaction over all that it calls",
            )


def _of_call(source: Source, call: Call, models: Models) -> Iterator[Danger]:
    scope = call.place.scope
    outside = _outside(source, call) if call.place.atomic else ""
    if outside:
        text = f"{call.name} runs inside a transaction, which it holds open and may undo"
        yield _danger(source, call, f"{outside} in transaction", text)
    if _is_signal(source, call) and call.line > source.facts.ends.get(scope, call.line):
        text = f"{call.name} is sent after its transaction: a crash between loses it"
        yield _danger(source, call, "signal after transaction", text)
    row = _fetched(source, call, models)
    if row is not None and row._meta.app_label != source.app:
        text = f"{call.name}() writes every column of a {row._meta.label}, as it was when read"
        yield _danger(source, call, "whole row saved", text)


def _outside(source: Source, call: Call) -> str:
    name = source.facts.resolve(call.name, call.place.scope)
    if name.endswith(BUILDING):
        return ""
    return next((what for start, what in OUTSIDE.items() if name.startswith(start)), "")


def _is_signal(source: Source, call: Call) -> bool:
    name = source.facts.resolve(call.name.rpartition(".")[0])
    return call.last in SIGNALS and ".signals." in f".{name}" and not call.place.atomic


def _fetched(source: Source, call: Call, models: Models) -> type[Model] | None:
    """The model of a row that a query gave and that is saved without a list of fields."""
    variable, _, method = call.name.rpartition(".")
    if method != "save" or "update_fields" in call.keywords or "." in variable:
        return None
    if not MANAGERS.search(source.facts.resolve(variable, call.place.scope)):
        return None
    found = root_of(source, variable, call.place.scope, models)
    return found if found is not None and models.project.is_own(found._meta.app_label) else None


def _danger(source: Source, at: object, kind: str, text: str) -> Danger:
    return Danger(
        kind=kind,
        app=source.app,
        symbol=source.symbol(at.place.scope),  # type: ignore[attr-defined]
        file=source.file,
        line=at.line,  # type: ignore[attr-defined]
        text=text,
    )
