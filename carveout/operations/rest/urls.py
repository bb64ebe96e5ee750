"""URLs of the browsable REST for staff."""

from typing import Any

from django.apps import apps
from django.urls import path

from carveout.operations.rest.deliveries import DeliveryViewSet
from carveout.operations.rest.events import EventViewSet
from carveout.operations.rest.index import IndexViewSet
from carveout.operations.rest.subscriptions import SubscriptionViewSet

app_name = "carveout_rest"
LIST: dict[str, Any] = {"get": "list"}
ONE: dict[str, Any] = {"get": "retrieve"}
urlpatterns = [
    path("", IndexViewSet.as_view(LIST, name="Carveout"), name="index"),
    path("events/", EventViewSet.as_view(LIST, name="Events"), name="events"),
    path("events/<uuid:event_id>/", EventViewSet.as_view(ONE), name="event"),
    path(
        "subscriptions/",
        SubscriptionViewSet.as_view(LIST, name="Subscriptions"),
        name="subscriptions",
    ),
    path("subscriptions/<str:name>/", SubscriptionViewSet.as_view(ONE), name="subscription"),
    path("deliveries/", DeliveryViewSet.as_view(LIST, name="Deliveries"), name="deliveries"),
    path("deliveries/<slug:context>/<int:pk>/", DeliveryViewSet.as_view(ONE), name="delivery"),
    path(
        "deliveries/<slug:context>/<int:pk>/retry/",
        DeliveryViewSet.as_view({"post": "retry"}, name="Retry"),
        name="retry",
    ),
]
if apps.is_installed("drf_spectacular"):
    from carveout.operations.rest import openapi  # noqa: F401  it registers itself
