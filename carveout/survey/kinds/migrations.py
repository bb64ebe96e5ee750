"""Migrations that need a migration of another app, or that are another app's."""

from collections.abc import Iterator

from django.conf import settings as django_settings

from carveout.survey.coupling import Coupling
from carveout.survey.sources import Source, Sources

KIND = "migration"
FORMS = {"dependencies": "dependency", "run_before": "run before", "replaces": "replaces"}
MODULES = "MIGRATION_MODULES"


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


def kept_elsewhere(sources: Sources) -> Iterator[Coupling]:
    """Migrations of one app that lie in another, as the settings say."""
    for label in sources.project.apps:
        module = _module(label)
        home = sources.project.app_of(module)
        for source in sources if sources.project.is_own(home) and home != label else ():
            for text in source.facts.texts:
                if text.value == module and text.place.assigned == MODULES:
                    yield Coupling(
                        kind=KIND,
                        form="kept elsewhere",
                        source=home,
                        source_symbol=module,
                        file=source.file,
                        line=text.line,
                        target=label,
                        target_symbol=f"{label}.migrations",
                    )


def _module(label: str) -> str:
    """Where the settings put an app's migrations; empty if nowhere.

    Tests often give an object that only answers for one app at a time.
    """
    modules = django_settings.MIGRATION_MODULES
    try:
        return str(modules[label] or "") if label in modules else ""
    except (LookupError, TypeError):
        return ""


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
