from django.http import HttpRequest, HttpResponse
from django.views import View

from bazaar.loading import get_class, get_classes  # C
from goods.models import Good

DeskForm = get_class("people.desks.forms", "DeskForm")  # C: a package in an app
Entry, Leave = get_classes("people.forms", ["Entry", "Leave"])  # C C


def mine(request):
    return HttpResponse(request.user.desks.count())  # C


def first(wsgi: HttpRequest):
    desks = wsgi.user.desks.filter(offers__open=True)  # C C
    return HttpResponse(desks)


class Desks(View):
    def get(self, request):
        user = self.request.user
        return HttpResponse(user.desks.all())  # C


def links(good: Good):
    return good.links.offers  # decoy: what links is nobody knows


def offers(good: Good):
    return good.offers.open().first()  # C


ENTRIES = ["desk:open-desk", "desk:shut-desk"]  # C: the second is no page
