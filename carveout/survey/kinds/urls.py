"""URL names of another app's pages, in code and in templates, and URLs that an app mounts."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps as registry
from django.urls import URLPattern, URLResolver, get_resolver

from carveout.survey.coupling import Coupling
from carveout.survey.facts import Call, Text
from carveout.survey.project import SHELL, Project
from carveout.survey.sources import Source, Sources

KIND = "url"
CALLS = {"reverse", "reverse_lazy", "redirect", "resolve_url"}
Names = dict[str, set[str]]
"""By the name of a page, namespaces included: the apps that have such a page."""


def urls(sources: Sources, names: Names) -> Iterator[Coupling]:
    for source in sources:
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


def _form(source: Source, text: Text) -> str:
    """How a string names a page that no call asks for: a menu's entry, an attribute of a view."""
    if source.app == SHELL and text.place.assigned.endswith("_URL"):
        return "setting"
    called = text.place.within.rpartition(".")[2] in CALLS
    return "name" if ":" in text.value and not called and not source.migration else ""


def owners(project: Project) -> Names:
    """Raises what importing the URLs raises."""
    names: Names = {}
    _collect(get_resolver().url_patterns, "", "", project, names)
    for namespace in _admins(get_resolver()):
        for model in registry.get_models():
            meta = model._meta
            for action in ("changelist", "add", "change", "history", "delete"):
                name = f"{namespace}:{meta.app_label}_{meta.model_name}_{action}"
                names.setdefault(name, set()).add(meta.app_label)
    return names


def _admins(resolver: Any) -> list[str]:
    return [
        each.namespace
        for each in resolver.url_patterns
        if isinstance(each, URLResolver) and each.app_name == "admin" and each.namespace
    ]


def symbol(app: str, name: str) -> str:
    """A page's name by the app that has it, wherever that is mounted."""
    return f"{app}:{name.rpartition(':')[2]}"


def _collect(patterns: Any, prefix: str, app: str, project: Project, names: Names) -> None:
    for each in patterns:
        if isinstance(each, URLResolver):
            inner = f"{prefix}{each.namespace}:" if each.namespace else prefix
            _collect(each.url_patterns, inner, _mounts(each, project) or app, project, names)
        elif isinstance(each, URLPattern) and each.name:
            view = project.app_of(getattr(_view(each.callback), "__module__", "") or "")
            owner = app or view
            names.setdefault(f"{prefix}{each.name}", set()).add(owner)


def _view(callback: Any) -> Any:
    return getattr(callback, "view_class", None) or getattr(callback, "cls", None) or callback


def _mounts(resolver: URLResolver, project: Project) -> str:
    """The app whose URLs are included; empty if the root's own lists are."""
    module = getattr(resolver.urlconf_name, "__name__", resolver.urlconf_name)
    found = project.app_of(module) if isinstance(module, str) else ""
    return "" if found == SHELL else found


def _named(
    source: Source, call: Call | Text, name: str, form: str, names: Names
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


def _mounted(source: Source, call: Call, sources: Sources) -> Iterator[Coupling]:
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
