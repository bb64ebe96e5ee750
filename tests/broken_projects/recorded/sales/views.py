from django.db.models.expressions import RawSQL
from django.http import HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.views.generic import ListView

from audit.models import Entry
from sales.models import Line, Order


def by_country(request, country):
    orders = Order.objects.filter(product__supplier__country=country)
    return render(request, "sales/orders.html", {"orders": orders})


def order(request, pk):
    return render(request, "sales/order.html", {"order": Order.objects.get(pk=pk)})


class OrderList(ListView):
    queryset = Order.objects.select_related("product")
    template_name = "sales/orders.html"
    context_object_name = "orders"


def fragment(request):
    """Nobody is seen to ask for the join, and the view is left when the rows are read."""
    rows = Order.objects.filter(pk__in=RawSQL("SELECT id FROM goods_product", ()))
    return TemplateResponse(request, "sales/orders.html", {"orders": rows})


def buy(request, product):
    Line.objects.create(order=Order.objects.first())
    Entry.objects.create(text="bought")
    return HttpResponse()
