"""The Django app: loads the declarations of the hosted contexts and registers the checks."""

from importlib import import_module

from django.apps import AppConfig
from django.conf import settings as django_settings
from django.utils.module_loading import module_has_submodule

from carveout.conf import requirements
from carveout.events.declarations import MODULES

requirements.insist_on_engine()  # before the models, which an older Django can't load


class CarveoutConfig(AppConfig):
    """Carveout."""

    name = "carveout"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # The checks register themselves; whatever is broken in the rest shows now, not at the
        # first publish.
        from carveout import checks  # noqa: F401
        from carveout.carving.ratchet import system_check  # noqa: F401
        from carveout.conf.context_apps import apps_not_installed, missing_apps
        from carveout.conf.loading import build
        from carveout.consumers import eager
        from carveout.contracts import system_check as declarations  # noqa: F401
        from carveout.eventlog import publish  # noqa: F401
        from carveout.eventlog.triggers import writers  # noqa: F401
        from carveout.operations.announced_tables import system_check as tables  # noqa: F401
        from carveout.seams import twin
        from carveout.subscriptions.copies import keeping

        settings, errors = build(getattr(django_settings, "CARVEOUT", {}))
        if errors or missing_apps(settings) or apps_not_installed(settings):
            return  # the checks report all mistakes; any use of the settings raises them
        eager.watch()
        for context in settings.hosted:
            for app in settings.contexts[context].apps:
                _discover(app)
        keeping.declare_hosted()
        twin.declare_hosted()


def _discover(app: str) -> None:
    module = import_module(app)
    for name in MODULES:
        if module_has_submodule(module, name):
            import_module(f"{app}.{name}")
