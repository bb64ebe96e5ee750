from django.urls import include, path

from catalogue import views

app_name = "catalogue"
urlpatterns = [
    path("", views.products, name="products"),
    path("<slug:sku>/", views.product, name="product"),
    path("<slug:sku>/reviews/", include("reviews.urls")),
]
