"""Where the internal REST of the two contexts and the monitoring are mounted."""

from django.urls import include, path

urlpatterns = [
    path("internal/", include("carveout.urls")),
    path("carveout/", include("carveout.monitor_urls")),
    path("api/carveout/", include("carveout.rest_urls")),
]
