from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """The context that owns orders."""

    name = "orders"
