from django.urls import path

from notifications import views

app_name = "notifications"
urlpatterns = [
    path("alert/<slug:sku>/", views.alert, name="alert"),
    path("resend/<str:number>/", views.resend, name="resend"),
]
