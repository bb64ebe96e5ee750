from django.urls import path

from parcels import views

urlpatterns = [
    path("", views.track, name="track"),
    path("post/", views.Posting.as_view()),
    path("by-hand/", views.by_hand),
]
