from django.http import HttpResponse
from django.urls import reverse


def listing(request, pk=None):
    own = reverse("orders:list")  # decoy
    return HttpResponse(own + reverse("reviews:list") + reverse("product", args=[1]))  # C C
