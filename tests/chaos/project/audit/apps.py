"""The Django app."""

from django.apps import AppConfig
from django.conf import settings


class AuditConfig(AppConfig):
    """Plants a mistake into the kit if the environment asks for one."""

    name = "audit"

    def ready(self) -> None:
        if settings.CARVEOUT_BROKEN:
            import broken

            broken.plant(settings.CARVEOUT_BROKEN)
