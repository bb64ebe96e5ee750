"""Finds models, classes, functions and permissions of another app that a string names."""

import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings as django_settings

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.facts import Call, Text
from carveout.carving.survey.kinds.naming import named
from carveout.carving.survey.model_index import Models
from carveout.carving.survey.sources import SourceFile, Sources

KIND = "string"
LOADERS = {"import_string", "import_module", "load_object", "__import__"}
FOUND_ELSEWHERE = {
    "getLogger",  # names a logger, not the module's content
    "include",  # found by url_names.py
    "ForeignKey",
    "OneToOneField",
    "ManyToManyField",
    "GenericRelation",
    "ParentalKey",
    "connect",
    "receiver",
    "reverse",
    "reverse_lazy",
    "redirect",
}
NO_COUPLINGS = {
    "INSTALLED_APPS",
    "CARVEOUT",
    "ROOT_URLCONF",
    "WSGI_APPLICATION",
    "ASGI_APPLICATION",
    "MIGRATION_MODULES",
}
"""Settings whose strings name apps and modules without using their content."""
LOGS = "LOGGING"
"""The names of loggers are modules; a name inside a module is a handler, a filter or similar."""

NO_LABELS = {
    *("_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext"),
    *("pgettext_lazy", "npgettext", "npgettext_lazy", "ugettext", "ugettext_lazy", "translate"),
    *("get_logger", "getChild", "debug", "info", "warning", "error", "exception", "critical"),
    *("open", "Path", "join", "joinpath", "exists", "static", "getattr", "setattr", "hasattr"),
    "Lookup",  # names a lookup of a Carveout context, which need not be a model
    *("incr", "decr", "gauge", "timing", "counter", "flag_is_active", "switch_is_active"),
}
"""Calls whose strings are texts, or names of loggers, files, attributes, metrics and switches."""
KEPT_BY_KEY = {"cache", "caches", "session", "settings", "conf", "config", "environ", "redis"}
"""Objects whose values have names of their own."""
OF_OTHERS = re.compile(r"LOG|CACHE|CELERY|QUEUE|FILE|PATH|TRANSLATION|MESSAGE|TOPIC|FLAG|SWITCH")
"""Names of variables that hold such names."""
DECLARED = "natural_key.dependencies"
"""Found by model_options.py."""


def strings(sources: Sources, models: Models) -> Iterator[Coupling]:
    yield from sources.each(lambda source: _of_source(source, sources, models))


def _of_source(source: SourceFile, sources: Sources, models: Models) -> Iterator[Coupling]:
    for call in source.facts.calls:
        yield from _loaded(source, call, sources, models)
    for text in source.facts.texts if not source.migration else ():
        yield from _named(source, text, sources, models)


def _loaded(source: SourceFile, call: Call, sources: Sources, models: Models) -> Iterator[Coupling]:
    first, second = call.argument(0, "app_label"), call.argument(1, "model_name")
    if call.last == "get_model" and first:
        app, _, name = ".".join(filter(None, (first, second))).partition(".")
        model = models.by_label.get(f"{app}.{name}".lower())
        symbol = model._meta.label if model else f"{app}.{name}"  # a migration's model may be gone
        yield from _coupling(source, call, "get_model", app, symbol, sources)
    elif call.last == "get_user_model":
        model = models.by_label.get(django_settings.AUTH_USER_MODEL.lower())
        if model:
            label = model._meta.label
            yield from _coupling(source, call, call.last, model._meta.app_label, label, sources)
    elif call.last in ("get_class", "get_classes") and first and second:
        app = _app_of_loader(first, sources)
        for name in second.split() if app else ():
            yield from _coupling(source, call, call.last, app, f"{first}.{name}", sources)


def _app_of_loader(module: str, sources: Sources) -> str:
    """The app that `orders.views` names, by its label or by the end of its module's name.

    A package of the app may be in between: `orders.returns.views`.
    """
    package = module.rpartition(".")[0] or module
    while package:
        apps = sources.project.apps.values()
        named = [app.label for app in apps if f".{app.module}".endswith(f".{package}")]
        if named or package in sources.project.apps:
            return min(named, default=package, key=len)
        package = package.rpartition(".")[0]
    return ""


def _named(source: SourceFile, text: Text, sources: Sources, models: Models) -> Iterator[Coupling]:
    within = text.place.within.rpartition(".")[2]
    names = (text.place.assigned or text.place.within).split(".")
    top = next(filter(str.isupper, names), "")  # settings may be attributes of a class
    if within in FOUND_ELSEWHERE or within in ("get_model", "get_class", "get_classes"):
        return
    settings = source.app == "(project)" and bool(top)
    value = text.value.replace(":", ".")
    if settings and (top in NO_COUPLINGS or (top == LOGS and value in sources.by_module)):
        return
    target = sources.project.app_of(value)
    if target and _is_there(value, sources):
        form = "setting" if settings else within if within in LOADERS else "dotted path"
        details = _details(value, sources)
        yield from _coupling(source, text, form, target, value, sources, details=details)
    elif models.declares(source.facts.module, text.place.assigned):
        return  # found by relations.py, whatever the field's class is called
    elif value.lower() in models.by_label and _is_label(text):
        model = models.by_label[value.lower()]
        form = "setting" if settings else "model label"
        yield from _coupling(source, text, form, model._meta.app_label, model._meta.label, sources)
    elif value in models.permissions:
        label = models.permissions[value]._meta.app_label
        yield from _coupling(source, text, "permission", label, value, sources)


def _is_label(text: Text) -> bool:
    """Is it a model's label: like a class, or in lower case where no other name is likely?"""
    if text.value.rpartition(".")[2][:1].isupper():
        return True
    holder, _, called = text.place.within.rpartition(".")
    holder = holder.rpartition(".")[2].lower()
    elsewhere = called in NO_LABELS or holder in KEPT_BY_KEY
    assigned = text.place.assigned
    other = elsewhere or OF_OTHERS.search(assigned.upper()) or assigned.endswith(DECLARED)
    return ":" not in text.value and text.value.islower() and not other


def _details(name: str, sources: Sources) -> dict[str, Any]:
    """`functions`: the name itself, if its module defines it. `of`: the real name, if the module
    only imports it: `orders.models.hmac.compare_digest` belongs to hmac."""
    module = sources.module_of(name)
    first, dot, rest = name[len(module) + 1 :].partition(".")
    origin = sources.origin(f"{module}.{first}") if first else name
    if not sources.module_of(origin):
        return {"of": f"{origin}{dot}{rest}"}
    return {"functions": [name]} if sources.is_function(name) else {}


def _is_there(name: str, sources: Sources) -> bool:
    """Is there a module of this name, a name in it, or a method or field of that?"""
    holder = name.rpartition(".")[0]
    return sources.exists(name) or (holder not in sources.by_module and sources.exists(holder))


def _coupling(
    source: SourceFile,
    at: Call | Text,
    form: str,
    target: str,
    symbol: str,
    sources: Sources,
    **fields: Any,
) -> Iterator[Coupling]:
    return named(source, at, target, sources, kind=KIND, form=form, target_symbol=symbol, **fields)
