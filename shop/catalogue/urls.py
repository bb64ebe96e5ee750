"""URLs of the catalogue: REST, and the fragment for the order page."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from shop.catalogue import api, views

app_name = "catalogue"

router = SimpleRouter()
router.register("products", api.ProductViewSet)

urlpatterns = [
    path("api/", include(router.urls)),
    path("stock/orders/<slug:number>/", views.stock_of_order, name="stock"),
]
