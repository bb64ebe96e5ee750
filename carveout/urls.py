"""The internal REST API. Mount it where other contexts' `url` points to."""

from typing import Any

from django.apps import apps
from django.urls import path

from carveout.eventlog.views import EventsView
from carveout.lookups.views import lookup_view
from carveout.operations.story.views import StoriesView

app_name = "carveout"
urlpatterns: list[Any] = [
    path("lookups/<slug:owner>.<slug:lookup>/", lookup_view, name="lookup"),
    path("stories/<slug:owner>/", StoriesView.as_view(), name="stories"),
    path("events/<slug:owner>/<int:partition>/", EventsView.as_view(), name="events"),
]
if apps.is_installed("drf_spectacular"):
    from carveout.operations.rest.openapi import InternalSchemaView

    urlpatterns.append(path("schema/", InternalSchemaView.as_view(), name="schema"))
