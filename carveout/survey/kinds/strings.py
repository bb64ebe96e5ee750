"""What is named by a string: models, classes, functions and permissions of another app."""

from collections.abc import Iterator

from django.conf import settings as django_settings

from carveout.survey.coupling import Coupling
from carveout.survey.facts import Call, Text
from carveout.survey.kinds.naming import named
from carveout.survey.models import Models
from carveout.survey.sources import Source, Sources

KIND = "string"
LOADERS = {"import_string", "import_module", "load_object", "__import__"}
TOLD_ELSEWHERE = {
    "getLogger",  # names a log, not what is in the module
    "include",  # urls.py tells of it
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
"""Settings whose strings name apps and modules without a use of what is in them."""
LOGS = "LOGGING"
"""Names of logs are those of modules; what is in a module is a handler, a filter or the like."""


def strings(sources: Sources, models: Models) -> Iterator[Coupling]:
    for source in sources:
        for call in source.facts.calls:
            yield from _loaded(source, call, sources, models)
        if not source.migration:
            for text in source.facts.texts:
                yield from _named(source, text, sources, models)


def _loaded(source: Source, call: Call, sources: Sources, models: Models) -> Iterator[Coupling]:
    first, second = call.argument(0, "app_label"), call.argument(1, "model_name")
    if call.last == "get_model" and first:
        app, _, name = ".".join(filter(None, (first, second))).partition(".")
        model = models.by_label.get(f"{app}.{name}".lower())
        symbol = model._meta.label if model else f"{app}.{name}"  # a migration's may be gone
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
    """`orders.views` names an app by its label or by how its module's name ends; so does what lies
    in a package of the app: `orders.returns.views`."""
    package = module.rpartition(".")[0] or module
    while package:
        apps = sources.project.apps.values()
        named = [app.label for app in apps if f".{app.module}".endswith(f".{package}")]
        if named or package in sources.project.apps:
            return min(named, default=package, key=len)
        package = package.rpartition(".")[0]
    return ""


def _named(source: Source, text: Text, sources: Sources, models: Models) -> Iterator[Coupling]:
    within = text.place.within.rpartition(".")[2]
    names = (text.place.assigned or text.place.within).split(".")
    top = next(filter(str.isupper, names), "")  # settings may be attributes of a class
    if within in TOLD_ELSEWHERE or within in ("get_model", "get_class", "get_classes"):
        return
    settings = source.app == "(project)" and bool(top)
    value = text.value.replace(":", ".")
    if settings and (top in NO_COUPLINGS or (top == LOGS and value in sources.by_module)):
        return
    target = sources.project.app_of(value)
    if target and _is_there(value, sources):
        form = "setting" if settings else within if within in LOADERS else "dotted path"
        yield from _coupling(source, text, form, target, value, sources)
    elif models.declares(source.facts.module, text.place.assigned):
        return  # relations tell of it, whatever the field's class is called
    elif value.lower() in models.by_label and value.rpartition(".")[2][:1].isupper():
        model = models.by_label[value.lower()]
        form = "setting" if settings else "model label"
        yield from _coupling(source, text, form, model._meta.app_label, model._meta.label, sources)
    elif value in models.permissions:
        label = models.permissions[value]._meta.app_label
        yield from _coupling(source, text, "permission", label, value, sources)


def _is_there(name: str, sources: Sources) -> bool:
    """A module, what is in it, or a method or field of that."""
    holder = name.rpartition(".")[0]
    return sources.exists(name) or (holder not in sources.by_module and sources.exists(holder))


def _coupling(
    source: Source, at: Call | Text, form: str, target: str, symbol: str, sources: Sources
) -> Iterator[Coupling]:
    return named(source, at, target, sources, kind=KIND, form=form, target_symbol=symbol)
