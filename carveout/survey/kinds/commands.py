"""Commands: management commands of another app that code calls by their name."""

from collections.abc import Iterator

from django.core.management import get_commands

from carveout.survey.coupling import Coupling
from carveout.survey.kinds.naming import first_text, named
from carveout.survey.sources import Sources


def commands(sources: Sources) -> Iterator[Coupling]:
    modules = {name: str(getattr(app, "name", app)) for name, app in get_commands().items()}
    for source in sources:
        for call in source.facts.calls if modules else ():
            name = first_text(source, call, sources) if call.last == "call_command" else ""
            if name in modules:
                told = {
                    "kind": "string",
                    "form": "command",
                    "target_symbol": f"{modules[name]}.management.commands.{name}",
                }
                app = sources.project.app_of(modules[name])
                yield from named(source, call, app, sources, **told)
