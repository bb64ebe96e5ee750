"""System checks of announced tables: they fit their events, which no code publishes as well."""

import ast
from collections.abc import Iterator
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, register

from carveout.conf import loading
from carveout.conf.validation import TAG
from carveout.eventlog.triggers import fit
from carveout.eventlog.triggers.announcement import announced
from carveout.events.event import type_name
from carveout.subscriptions import overlooked
from carveout.subscriptions.overlooked import AppModule


@register(TAG)
def check_announced_tables(**_: Any) -> list[CheckMessage]:
    """Check what `carveout.announces` declares in the contexts hosted here."""
    settings, mistakes = loading.build(getattr(django_settings, "CARVEOUT", {}))
    if mistakes:
        return []  # reported by another check
    tables = list(announced(settings.hosted))
    found: list[CheckMessage] = [
        Error(each.text, hint=each.fix, obj=table.at, id="carveout.E022")
        for table in tables
        for each in fit.problems(table)
    ]
    if tables:
        found += _published_too({each.__name__: t for t in tables for each in t.events}, settings)
    return found


def _published_too(tables: dict[str, Any], settings: Any) -> Iterator[CheckMessage]:
    """Find code that makes events which their table announces: they would be published twice."""
    for source in overlooked.modules_of(settings):
        owner = settings.context_of(source.module)
        for name, line in _made(source, tables) if owner else ():
            table = tables[name]
            if owner.name == table.context:
                event = next(each for each in table.events if each.__name__ == name)
                yield Error(
                    f"{source.where}:{line}: code makes the event {type_name(event)}, which the"
                    f" table of {table.model._meta.label} announces: subscribers would get it"
                    " twice.",
                    hint=f"Remove its publish(…) here, or take it out of carveout.announces(…) in"
                    f" {table.at}.",
                    id="carveout.E023",
                )


def _made(source: AppModule, names: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """The calls of these classes in a module: name and line."""
    tree = source.parsed_if(lambda text: any(name.encode() in text for name in names))
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in names:
                yield name, node.lineno
