from django.urls import include, path

urlpatterns = [path("internal/", include("carveout.urls"))]
