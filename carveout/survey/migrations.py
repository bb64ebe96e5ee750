"""Migrations that come after, or before, a migration of another app."""

from collections.abc import Iterator

from django.conf import settings as django_settings

from carveout.survey.coupling import Coupling
from carveout.survey.sources import Source, Sources

KIND = "migration"
FORMS = {"dependencies": "dependency", "run_before": "run before"}


def migrations(sources: Sources) -> Iterator[Coupling]:
    for source in sources:
        if source.migration:
            for call in source.facts.calls:
                if call.last == "swappable_dependency" and call.arguments:
                    app = _swapped(call.arguments[0]).partition(".")[0]
                    line = call.line
                    yield from _coupling(source, "dependency", app, "__first__", line, sources)
            for pair in source.facts.pairs:
                form = FORMS.get(pair.of.rpartition(".")[2])
                if form:
                    yield from _coupling(source, form, pair.first, pair.second, pair.line, sources)


def _swapped(given: str) -> str:
    """`accounts.Person`, written so or as `settings.AUTH_USER_MODEL`."""
    name = given.rpartition("settings.")[2]
    return str(getattr(django_settings, name, given)) if given.startswith("=") else given


def _coupling(
    source: Source, form: str, app: str, name: str, line: int, sources: Sources
) -> Iterator[Coupling]:
    if app == source.app or app not in sources.project.apps:
        return
    yield source.coupling(
        line,
        "",
        kind=KIND,
        form=form,
        target=app,
        target_symbol=f"{app}.{name}",
    )
