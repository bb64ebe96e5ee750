"""The internal REST; mount it where other contexts' `url` points to."""

from typing import Any

from django.apps import apps
from django.urls import path

from carveout import views

app_name = "carveout"
urlpatterns: list[Any] = [
    path("lookups/<slug:owner>.<slug:lookup>/", views.lookup_view, name="lookup"),
    path("stories/<slug:owner>/", views.StoriesView.as_view(), name="stories"),
    path("events/<slug:owner>/<int:partition>/", views.EventsView.as_view(), name="events"),
]
if apps.is_installed("drf_spectacular"):
    from carveout.openapi import InternalSchemaView

    urlpatterns.append(path("schema/", InternalSchemaView.as_view(), name="schema"))
