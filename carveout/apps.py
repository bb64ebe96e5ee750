"""The Django app: reads the declarations of the hosted contexts, and registers the checks."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import module_has_submodule

DECLARATIONS = ("events", "lookups", "subscribers")


class CarveoutConfig(AppConfig):
    """Carveout."""

    name = "carveout"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from carveout import checks  # noqa: F401 - registers them
        from carveout.conf import get_settings

        settings = get_settings()
        for context in settings.hosted:
            for app in settings.contexts[context].apps:
                _discover(app)


def _discover(app: str) -> None:
    module = import_module(app)
    for name in DECLARATIONS:
        if module_has_submodule(module, name):
            import_module(f"{app}.{name}")
