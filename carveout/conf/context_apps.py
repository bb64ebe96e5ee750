"""Finds which apps of contexts exist, and which are installed."""

from importlib import import_module

from django.apps import apps as django_apps

from carveout.conf import validation
from carveout.conf.code_locations import find_module
from carveout.conf.settings import Context, Settings


def missing_apps(settings: Settings) -> list[str]:
    """Missing apps and modules of hosted contexts, as sentences."""
    here = [settings.contexts[name] for name in settings.hosted]
    return [
        message(context.name, each)
        for context in here
        for message, named in (
            (validation.missing_app, context.apps),
            (validation.missing_module, context.modules),
        )
        for each in named
        if not is_there(each)
    ]


def modules_not_hosted(settings: Settings) -> list[str]:
    """Modules of contexts that can't be used if only some contexts are hosted, as sentences."""
    if not validation.hosts_a_part(settings.hosted, settings.contexts):
        return []
    return [
        validation.module_not_hosted(context.name, module)
        for context in settings.contexts.values()
        for module in context.modules
    ]


def apps_not_installed(settings: Settings) -> list[tuple[str, str]]:
    """Existing apps of hosted contexts that are not in INSTALLED_APPS, with their contexts."""
    return [
        (name, app)
        for name in settings.hosted
        for app in settings.contexts[name].apps
        if is_there(app) and not django_apps.is_installed(app)
    ]


def app_module(entry: str) -> str:
    """The package of an app named as in INSTALLED_APPS: the package itself or its AppConfig."""
    module, _, name = entry.rpartition(".")
    if not module or not name[:1].isupper():
        return entry
    try:
        return str(getattr(import_module(module), name).name)
    except (ImportError, AttributeError):  # another deployment has it
        return module.removesuffix(".apps")


def is_there(app: str) -> bool:
    """Whether it can be imported. Imports nothing, since settings are still being read."""
    return (
        find_module(".".join(part for part in app.split(".") if not part[:1].isupper())) is not None
    )


def app_labels(context: Context) -> set[str]:
    """The labels of the context's installed apps."""
    return {config.label for config in django_apps.get_app_configs() if config.name in context.apps}
