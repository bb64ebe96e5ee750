"""Finds migrations that need a migration of another app, or that belong to another app."""

from collections.abc import Iterator

from django.conf import settings as django_settings

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.sources import SourceFile, Sources
from carveout.carving.survey.unread import APP

KIND = "migration"
FORMS = {"dependencies": "dependency", "run_before": "run before", "replaces": "replaces"}
MODULES = "MIGRATION_MODULES"


def migrations(sources: Sources) -> Iterator[Coupling]:
    yield from sources.each(lambda source: _of_source(source, sources))


def _of_source(source: SourceFile, sources: Sources) -> Iterator[Coupling]:
    if not source.migration:
        return
    for call in source.facts.calls:
        if call.last == "swappable_dependency" and call.arguments:
            app = _swapped(call.arguments[0]).partition(".")[0]
            yield from _coupling(source, "dependency", app, "__first__", call.line, sources)
    for pair in source.facts.pairs:
        form = FORMS.get(pair.of.rpartition(".")[2])
        if form:
            yield from _coupling(source, form, pair.first, pair.second, pair.line, sources)


def kept_elsewhere(sources: Sources) -> Iterator[Coupling]:
    """Migrations of one app that the settings keep in another."""
    gaps, apps = sources.project.gaps, sources.project.apps
    yield from gaps.each(APP, apps, str, lambda label: _elsewhere(label, sources))


def _elsewhere(label: str, sources: Sources) -> Iterator[Coupling]:
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
    """The module where the settings keep an app's migrations; empty if they name none.

    Test settings often use an object that only supports lookups of single apps.
    """
    modules = django_settings.MIGRATION_MODULES
    try:
        return str(modules[label] or "") if label in modules else ""
    except (LookupError, TypeError):
        return ""


def _swapped(given: str) -> str:
    """The label `accounts.Person`, also if written as `settings.AUTH_USER_MODEL`."""
    name = given.rpartition("settings.")[2]
    return str(getattr(django_settings, name, given)) if given.startswith("=") else given


def _coupling(
    source: SourceFile, form: str, app: str, name: str, line: int, sources: Sources
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
