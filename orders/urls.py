"""Orders' pages under /orders/, its REST under /api/orders/."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from . import checkout, views
from .api import OrderViewSet

app_name = "orders"

router = SimpleRouter()
router.register("orders", OrderViewSet, basename="api")

urlpatterns = [
    path("api/", include(router.urls)),
    path("orders/", views.order_list, name="list"),
    path("orders/basket/", checkout.basket, name="basket"),
    path("orders/basket/change/", checkout.change_basket, name="change_basket"),
    path("orders/checkout/", checkout.checkout, name="checkout"),
    path("orders/<slug:number>/", views.order_page, name="order"),
    path("orders/<slug:number>/status/", views.order_status, name="status"),
    path("orders/<slug:number>/cancel/", views.cancel, name="cancel"),
]
