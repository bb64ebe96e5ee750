"""The internal REST; mount it where other contexts' `url` points to."""

from django.urls import path

from carveout import views

app_name = "carveout"
urlpatterns = [
    path("lookups/<slug:owner>.<slug:lookup>/", views.lookup_view, name="lookup"),
    path("stories/<slug:owner>/", views.StoriesView.as_view(), name="stories"),
    path("events/<slug:owner>/<int:partition>/", views.EventsView.as_view(), name="events"),
]
