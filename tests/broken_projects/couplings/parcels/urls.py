from django.urls import path

from parcels import views

urlpatterns = [path("", views.track, name="track")]
