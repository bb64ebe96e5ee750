"""Finds management commands of another app that code calls by name."""

from collections.abc import Iterator

from django.core.management import get_commands

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.kinds.naming import first_text, named
from carveout.carving.survey.sources import SourceFile, Sources


def commands(sources: Sources) -> Iterator[Coupling]:
    modules = {name: str(getattr(app, "name", app)) for name, app in get_commands().items()}
    yield from sources.each(lambda source: _of_source(source, modules, sources))


def _of_source(source: SourceFile, modules: dict[str, str], sources: Sources) -> Iterator[Coupling]:
    for call in source.facts.calls if modules else ():
        name = first_text(source, call, sources) if call.last == "call_command" else ""
        if name in modules:
            fields = {
                "kind": "string",
                "form": "command",
                "target_symbol": f"{modules[name]}.management.commands.{name}",
            }
            app = sources.project.app_of(modules[name])
            yield from named(source, call, app, sources, **fields)
