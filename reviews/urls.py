"""Pages under /reviews/, REST under /api/reviews/."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from reviews import api, views

app_name = "reviews"

router = SimpleRouter()
router.register("reviews", api.ReviewViewSet, basename="review")
router.register("verified-customers", api.VerifiedCustomerViewSet, basename="verified-customer")

urlpatterns = [
    path("reviews/products/<str:sku>/", views.product_reviews, name="product"),
    path("reviews/orders/<str:number>/", views.order_fragment, name="order"),
    path("api/", include(router.urls)),
]
