from django.contrib import admin
from django.urls import include, path

from catalogue import views  # C

urlpatterns = [
    path("admin/", admin.site.urls),
    path("products/<int:pk>/", views.product, name="product"),
    path("orders/", include("orders.urls")),  # decoy
    path("reviews/", include("reviews.urls")),
]
