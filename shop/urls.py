"""URLs of the contexts that are hosted here."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

import carveout
from shop import views

admin.autodiscover()  # in a worker they are not loaded yet; a handler may link to their pages

urlpatterns = [
    path("admin/", admin.site.urls),
    path("internal/", include("carveout.urls")),
    path("carveout/", include("carveout.operations.health.urls")),
    path("api/carveout/", include("carveout.operations.rest.urls")),
    path("favicon.ico", RedirectView.as_view(url=static("icon.svg"))),
    path("health/", views.health, name="health"),
    path("api/", views.ApiRoot.as_view(), name="api"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    *carveout.hosted_urls(),
]
