from django.urls import path

from orders import views

app_name = "orders"
urlpatterns = [path("", views.listing, name="list"), path("<int:pk>/", views.listing, name="one")]
