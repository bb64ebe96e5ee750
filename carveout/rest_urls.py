"""The browsable REST for staff; mount it where people look."""

from typing import Any

from django.urls import path

from carveout.rest.deliveries import DeliveryViewSet
from carveout.rest.events import EventViewSet
from carveout.rest.subscriptions import SubscriptionViewSet

app_name = "carveout_rest"
LIST: dict[str, Any] = {"get": "list"}
ONE: dict[str, Any] = {"get": "retrieve"}
urlpatterns = [
    path("events/", EventViewSet.as_view(LIST), name="events"),
    path("events/<uuid:event_id>/", EventViewSet.as_view(ONE), name="event"),
    path("subscriptions/", SubscriptionViewSet.as_view(LIST), name="subscriptions"),
    path("subscriptions/<str:name>/", SubscriptionViewSet.as_view(ONE), name="subscription"),
    path("deliveries/", DeliveryViewSet.as_view(LIST), name="deliveries"),
    path("deliveries/<slug:context>/<int:pk>/", DeliveryViewSet.as_view(ONE), name="delivery"),
    path(
        "deliveries/<slug:context>/<int:pk>/retry/",
        DeliveryViewSet.as_view({"post": "retry"}),
        name="retry",
    ),
]
