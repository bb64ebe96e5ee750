"""Accounts: opening one, seeing what is stored about it, closing it."""

from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import JsonResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.views.decorators.http import require_POST
from django.views.generic import CreateView

from accounts import services
from accounts.forms import SignUpForm


class SignUp(CreateView):
    form_class = SignUpForm
    template_name = "accounts/form.html"
    success_url = reverse_lazy("accounts:sign_in")


@login_required
def my_data(request):
    return JsonResponse(services.export(request.user))


@login_required
@require_POST
def close(request):
    customer = request.user
    logout(request)
    services.close_account(customer)
    return redirect("catalogue:products")
