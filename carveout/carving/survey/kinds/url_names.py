"""Finds URL names of another app in code and in templates, and URLs that an app mounts."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps as registry
from django.urls import URLResolver

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.facts import Call, Text
from carveout.carving.survey.project import SHELL, Project
from carveout.carving.survey.sources import SourceFile, Sources
from carveout.carving.survey.url_modules import guarded, included, root_patterns, walk

KIND = "url"
CALLS = {"reverse", "reverse_lazy", "redirect", "resolve_url"}
Names = dict[str, set[str]]
"""By URL name, namespaces included: the apps that have a page with this name."""


def urls(sources: Sources, names: Names) -> Iterator[Coupling]:
    yield from sources.each(lambda source: _of_source(source, names, sources))


def _of_source(source: SourceFile, names: Names, sources: Sources) -> Iterator[Coupling]:
    for call in source.facts.calls:
        name = call.argument(0, "viewname") or call.argument(0, "to")
        if call.last in CALLS and name in names:
            yield from _named(source, call, name, call.last, names)
        elif call.last == "include" and call.arguments and source.app != SHELL:
            yield from _mounted(source, call, sources)
    for text in source.facts.texts:
        form = _form(source, text)
        if form and text.value in names:
            yield from _named(source, text, text.value, form, names)


def _form(source: SourceFile, text: Text) -> str:
    """The form of a URL name outside of calls, such as in a menu's entry or a view's attribute."""
    if source.app == SHELL and text.place.assigned.endswith("_URL"):
        return "setting"
    called = text.place.within.rpartition(".")[2] in CALLS
    return "name" if ":" in text.value and not called and not source.migration else ""


def owners(project: Project) -> Names:
    """The apps that own each URL name. Patterns that raise are noted and left out."""
    names: Names = {}
    patterns = root_patterns(project)
    for each, way in walk(patterns, project):
        with guarded(each, project):
            if each.name:
                prefix = "".join(f"{inner.namespace}:" for inner in way if inner.namespace)
                mounted = [app for app in (_mounts(inner, project) for inner in way) if app]
                view = project.app_of(getattr(_view(each.callback), "__module__", "") or "")
                owner = mounted[-1] if mounted else view
                names.setdefault(f"{prefix}{each.name}", set()).add(owner)
    for namespace in _admins(patterns):
        for model in registry.get_models():
            meta = model._meta
            for action in ("changelist", "add", "change", "history", "delete"):
                name = f"{namespace}:{meta.app_label}_{meta.model_name}_{action}"
                names.setdefault(name, set()).add(meta.app_label)
    return names


def _admins(patterns: list[Any]) -> list[str]:
    return [
        each.namespace
        for each in patterns
        if isinstance(each, URLResolver) and each.app_name == "admin" and each.namespace
    ]


def symbol(app: str, name: str) -> str:
    """A URL name prefixed with the app that has the page, wherever that is mounted."""
    return f"{app}:{name.rpartition(':')[2]}"


def _view(callback: Any) -> Any:
    return getattr(callback, "view_class", None) or getattr(callback, "cls", None) or callback


def _mounts(resolver: URLResolver, project: Project) -> str:
    """The app whose URLs a resolver includes; empty for the root's own lists."""
    found = project.app_of(included(resolver))
    return "" if found == SHELL else found


def _named(
    source: SourceFile, call: Call | Text, name: str, form: str, names: Names
) -> Iterator[Coupling]:
    for target in names[name] - {""}:
        if source.app not in names[name] and target != SHELL:
            yield source.coupling(
                call.line,
                call.place.scope or call.place.assigned,
                kind=KIND,
                form=form,
                target=target,
                target_symbol=symbol(target, name),
            )


def _mounted(source: SourceFile, call: Call, sources: Sources) -> Iterator[Coupling]:
    given = call.arguments[0]
    module = source.facts.resolve(given[1:]) if given.startswith("=") else given
    target = sources.project.app_of(module)
    if target != source.app and sources.project.is_own(target) and target != SHELL:
        yield source.coupling(
            call.line,
            call.place.scope,
            kind=KIND,
            form="mount",
            target=target,
            target_symbol=module,
        )
