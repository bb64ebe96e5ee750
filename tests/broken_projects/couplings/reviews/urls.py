from django.urls import include, path

from reviews import views

app_name = "reviews"
urlpatterns = [
    path("", views.listing, name="list"),
    path("parcels/", include("parcels.urls")),  # C
]
