from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", LoginView.as_view(template_name="accounts/form.html"), name="sign_in"),
    path("sign-out/", LogoutView.as_view(), name="sign_out"),
    path("sign-up/", views.SignUp.as_view(), name="sign_up"),
    path("my-data/", views.my_data, name="my_data"),
    path("close/", views.close, name="close"),
]
