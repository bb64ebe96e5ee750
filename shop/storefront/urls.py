"""URLs of the storefront."""

from django.urls import path

from shop.storefront import api, customers, views

app_name = "storefront"

urlpatterns = [
    path("", views.product_list, name="product_list"),
    path("products/<slug:sku>/", views.product_page, name="product_page"),
    path("sign-in/", customers.sign_in, name="sign_in"),
    path("sign-up/", customers.sign_up, name="sign_up"),
    path("sign-out/", customers.sign_out, name="sign_out"),
    path("api/token/", api.TokenView.as_view(), name="token"),
]
