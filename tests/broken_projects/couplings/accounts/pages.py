from django.shortcuts import render
from django.template.loader import render_to_string, select_template
from django.views.generic import TemplateView

SOON = "reviews/stars.html"


def pages(request):
    render(request, "catalogue/product.html")  # C
    render(request, "accounts/welcome.html")  # decoy: our own
    render_to_string(SOON)  # C
    select_template(["orders/list.html", "accounts/welcome.html"])  # C
    open("orders/list.html")  # decoy: a file
    return TemplateView.as_view(template_name="catalogue/product.html")  # decoy: told above


class Stars(TemplateView):
    template_name = "reviews/stars.html"  # C


class Missing(TemplateView):
    template_name = "reviews/missing.html"  # decoy
