from django.urls import path

from sales import views

urlpatterns = [
    path("country/<country>/", views.by_country),
    path("order/<int:pk>/", views.order),
    path("list/", views.OrderList.as_view()),
    path("fragment/", views.fragment),
    path("buy/<int:product>/", views.buy),
]
