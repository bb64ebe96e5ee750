"""Monitoring of the web; mount it where probes and Prometheus ask."""

from django.urls import path

from carveout import monitor_views

app_name = "carveout_monitor"
urlpatterns = [
    path("health/", monitor_views.health, name="health"),
    path("ready/", monitor_views.ready, name="ready"),
    path("metrics/", monitor_views.metrics, name="metrics"),
]
