"""URLs of whatever contexts are hosted here."""

from django.contrib import admin
from django.urls import include, path

import carveout

urlpatterns = [
    path("admin/", admin.site.urls),
    path("internal/", include("carveout.urls")),
    *carveout.hosted_urls(),
]
