"""URLs to monitor the web; include them where probes and Prometheus ask."""

from django.urls import path

from carveout.operations.health import views

app_name = "carveout_monitor"
urlpatterns = [
    path("health/", views.health, name="health"),
    path("ready/", views.ready, name="ready"),
    path("metrics/", views.metrics, name="metrics"),
]
