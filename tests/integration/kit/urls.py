"""Where the internal REST of the two contexts is mounted."""

from django.urls import include, path

urlpatterns = [path("internal/", include("carveout.urls"))]
