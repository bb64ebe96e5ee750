"""The Django app: reads the declarations of the hosted contexts, and registers the checks."""

from importlib import import_module

from django.apps import AppConfig, apps
from django.conf import settings as django_settings
from django.utils.module_loading import module_has_submodule

from carveout.declaration import MODULES


class CarveoutConfig(AppConfig):
    """Carveout."""

    name = "carveout"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # The checks register themselves; whatever is broken in the rest shows now, not at the
        # first publish.
        from carveout import checks, eager, publisher  # noqa: F401
        from carveout.conf import apps_not_installed, build, missing_apps
        from carveout.ratchet import system_check  # noqa: F401

        settings, mistakes = build(getattr(django_settings, "CARVEOUT", {}))
        if mistakes or missing_apps(settings) or apps_not_installed(settings):
            return  # the checks tell them all; whatever uses the settings raises them
        eager.watch()
        for context in settings.hosted:
            for app in settings.contexts[context].apps:
                _discover(app)
        if apps.is_installed("drf_spectacular"):
            import_module("carveout.openapi")  # it registers itself


def _discover(app: str) -> None:
    module = import_module(app)
    for name in MODULES:
        if module_has_submodule(module, name):
            import_module(f"{app}.{name}")
