from django.contrib.auth.forms import UserCreationForm

from accounts.models import Customer


class SignUpForm(UserCreationForm):
    class Meta:
        model = Customer
        fields = ["username", "first_name", "email"]
