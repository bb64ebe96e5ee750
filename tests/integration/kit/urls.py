"""Where the internal REST of the two contexts, the monitoring and the admin are mounted."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("internal/", include("carveout.urls")),
    path("carveout/", include("carveout.operations.health.urls")),
    path("api/carveout/", include("carveout.operations.rest.urls")),
]
