from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.urls import reverse


@permission_required("reviews.add_review")  # C
def listing(request, pk=None):
    own = reverse("orders:list")  # decoy
    return HttpResponse(own + reverse("reviews:list") + reverse("product", args=[1]))  # C C
