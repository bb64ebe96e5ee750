"""Finds apps that replace a third-party app, and models that declare another app's label."""

from collections.abc import Iterator

from django.apps import AppConfig
from django.apps import apps as registry
from django.db.models import Model

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.model_index import Models
from carveout.carving.survey.project import Project
from carveout.carving.survey.sources import Sources
from carveout.carving.survey.unread import APP

KIND = "fork"


def forks(sources: Sources) -> Iterator[Coupling]:
    gaps = sources.project.gaps
    yield from gaps.each(APP, sources.project.own, str, lambda label: _of_app(label, sources))


def _of_app(label: str, sources: Sources) -> Iterator[Coupling]:
    config = registry.get_app_config(label)
    original = _by_config(config, sources.project) or _by_models(config, sources.project)
    if original:
        yield _coupling(config, original, sources)


def lent(sources: Sources, models: Models) -> Iterator[Coupling]:
    """Models that one app defines with another app's label."""
    yield from models.each(lambda model: _lent(model, sources))


def _lent(model: type[Model], sources: Sources) -> Iterator[Coupling]:
    app, label = sources.project.app_of(model.__module__), model._meta.app_label
    name = f"{model.__module__}.{model.__qualname__}"
    file, found = sources.defined(name)
    if found and app != label and sources.project.is_own(app):
        yield Coupling(
            kind=KIND,
            form="other label",
            source=app,
            source_symbol=name,
            file=file,
            line=found.line,
            target=label,
            target_symbol=model._meta.label,
        )


def _by_config(config: AppConfig, project: Project) -> str:
    """The package whose app configuration with the same label this one extends."""
    for base in type(config).__mro__[1:]:
        name = getattr(base, "name", None)
        if not isinstance(name, str) or base is AppConfig or _is_own(base.__module__, project):
            continue
        if config.label in (getattr(base, "label", None), name.rpartition(".")[2]):
            return name
    return ""


def _by_models(config: AppConfig, project: Project) -> str:
    """The package with the same name whose models these extend, if it is not an installed app."""
    installed = {app.module for app in project.apps.values()}
    for model in config.get_models():
        for base in model.__mro__:
            package = base.__module__.rpartition(".")[0]
            same = package.rpartition(".")[2] in (config.label, config.name.rpartition(".")[2])
            if same and package not in installed and not _is_own(package, project):
                return package
    return ""


def _is_own(module: str, project: Project) -> bool:
    return project.is_own(project.app_of(module))


def _coupling(config: AppConfig, original: str, sources: Sources) -> Coupling:
    file, line = _where(config, sources)
    bases = {
        model._meta.label: {each.__module__ for each in model.__mro__[1:]}
        for model in config.get_models()
        if _is_own(model.__module__, sources.project)
    }
    extended = [
        label
        for label, modules in bases.items()
        if any(f"{module}.".startswith(f"{original}.") for module in modules)
    ]
    return Coupling(
        kind=KIND,
        form="same label",
        source=config.label,
        source_symbol=config.name,
        file=file,
        line=line,
        target=sources.project.app_of(original) or original.partition(".")[0],
        target_symbol=original,
        details={"models": sorted(extended)} if extended else {},
    )


def _where(config: AppConfig, sources: Sources) -> tuple[str, int]:
    """The location of the app's configuration; else of its models, or of its package."""
    own = type(config)
    file, found = sources.defined(f"{own.__module__}.{own.__qualname__}")
    if found:
        return file, found.line
    for module in (f"{config.name}.models", config.name):
        if module in sources.by_module:
            return sources.by_module[module].file, 1
    return "", 0
