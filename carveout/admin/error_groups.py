"""Groups deliveries by similar errors. Operators start on this page."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode

from carveout.admin.base import databases
from carveout.admin.delivery_actions import ActsOnDeliveries
from carveout.admin.formatting import STATES, exact, number, since
from carveout.models import Delivery
from carveout.operations import failed_deliveries
from carveout.operations.failed_deliveries import ErrorGroup

GROUPS_MAX = 100


def page(of: ActsOnDeliveries, request: HttpRequest) -> HttpResponse:
    """Shows the groups of all databases, and acts on the chosen ones."""
    if not of.has_view_permission(request):
        raise PermissionDenied
    if request.method == "POST":
        return _act(of, request)
    found = _groups()
    shown = [_shown(group) for group in found[:GROUPS_MAX]]
    context = {
        **of.admin_site.each_context(request),
        "title": "Deliveries by error",
        "opts": of.opts,
        "media": of.media,
        "groups": shown,
        "rows": "|".join(_names(shown)),
        "left_out": len(found) - GROUPS_MAX,
        "acts": [act for act in failed_deliveries.ACTIONS if of.may(request, act)],
        "several": len(databases()) > 1,
    }
    return TemplateResponse(request, "carveout/admin/groups.html", context)


def live(of: ActsOnDeliveries, request: HttpRequest) -> HttpResponse:
    """The page's numbers, for its script."""
    if not of.has_view_permission(request):
        raise PermissionDenied
    shown = [_shown(group) for group in _groups()[:GROUPS_MAX]]
    keyed = {
        kind: {f"{each['name']}.{key}": text for each in shown for key, text in each[of].items()}
        for kind, of in (("texts", "numbers"), ("titles", "titles"))
    }
    return JsonResponse({"rows": _names(shown), **keyed})


def _groups() -> list[ErrorGroup]:
    found = [group for database in databases() for group in failed_deliveries.groups(database)]
    return sorted(found, key=lambda group: -group.count)


def _names(shown: list[dict[str, Any]]) -> list[str]:
    """In an order that does not change with the numbers: the page moves for new groups only."""
    return sorted(each["name"] for each in shown)


def _shown(group: ErrorGroup) -> dict[str, Any]:
    query = {"database": group.database, "alike": group.alike}
    times = {"last": group.last, "first": group.first}
    numbers = {"count": number(group.count)}
    numbers |= {state: number(group.states[state]) for state in STATES}
    numbers |= {name: since(time) for name, time in times.items()}
    return {
        "name": f"{group.database}:{group.alike}",
        "group": group,
        "numbers": numbers,
        "titles": {name: exact(time) for name, time in times.items()},
        "subscriptions": sorted(group.subscriptions),
        "url": f"{reverse('admin:carveout_delivery_changelist')}?{urlencode(query)}",
    }


def _act(of: ActsOnDeliveries, request: HttpRequest) -> HttpResponse:
    here = HttpResponseRedirect(request.path)
    of.refuse_forged(request)
    act, names = request.POST.get("action", ""), request.POST.getlist("group")
    if act not in failed_deliveries.ACTIONS or not names:
        what = "an action" if names else "at least one group"
        of.message_user(request, f"Nothing was done: select {what}.", "warning")
        return here
    hidden = [("group", name) for name in names]
    return of.ask_or_act(request, act, _chosen(names), hidden) or here


def _chosen(names: list[str]) -> "list[QuerySet[Delivery]]":
    chosen = []
    for database in databases():
        alike = [name.partition(":")[2] for name in names if name.startswith(f"{database}:")]
        if alike:
            chosen.append(Delivery.objects.using(database).filter(alike__in=alike))
    return chosen
