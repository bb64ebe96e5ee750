from django.urls import path

from orders import views

app_name = "orders"
urlpatterns = [
    path("", views.orders, name="orders"),
    path("basket/", views.basket, name="basket"),
    path("checkout/", views.checkout, name="checkout"),
    path("<str:number>/", views.order, name="order"),
    path("<str:number>/cancel/", views.cancel, name="cancel"),
]
