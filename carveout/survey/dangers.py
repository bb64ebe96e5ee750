"""Dangers: what makes carving go wrong where it stands, whatever is carved."""

from collections.abc import Iterator

import msgspec
from django.db import connections

from carveout.survey.facts import Call
from carveout.survey.models import Models
from carveout.survey.queries import root_of
from carveout.survey.sources import Source, Sources

MAIL = {
    "send_mail",
    "send_mass_mail",
    "mail_admins",
    "mail_managers",
    "EmailMessage",
    "EmailMultiAlternatives",
}
SIGNALS = {"send", "send_robust"}


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
    place = call.place
    if place.atomic and call.last in MAIL:
        yield _danger(
            source,
            call,
            "mail in transaction",
            f"{call.last} runs inside a transaction: a dead mail server undoes it",
        )
    if _is_signal(source, call) and place.scope in source.facts.atomic and not place.atomic:
        yield _danger(
            source,
            call,
            "signal after transaction",
            f"{call.name} is sent after its transaction: a crash between loses it",
        )
    if call.last == "save" and "update_fields" not in call.keywords:
        model = root_of(source, call.name.rpartition(".")[0], place.scope, models)
        if model is not None and model._meta.app_label != source.app:
            yield _danger(
                source,
                call,
                "whole row saved",
                f"{call.name}() writes every column of a {model._meta.label}, also what"
                " its owner changed meanwhile",
            )


def _is_signal(source: Source, call: Call) -> bool:
    name = source.facts.resolve(call.name.rpartition(".")[0])
    return call.last in SIGNALS and ".signals." in f".{name}"


def _danger(source: Source, at: object, kind: str, text: str) -> Danger:
    return Danger(
        kind=kind,
        app=source.app,
        symbol=source.symbol(at.place.scope),  # type: ignore[attr-defined]
        file=source.file,
        line=at.line,  # type: ignore[attr-defined]
        text=text,
    )
