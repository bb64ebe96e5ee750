from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "market.notifications"

    def ready(self) -> None:
        from market.notifications import receivers  # noqa: F401
