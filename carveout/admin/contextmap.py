"""Shows the map in the admin: events, subscriptions and lookups, with live numbers."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from carveout.admin.base import DATABASE
from carveout.admin.formatting import STATES
from carveout.conf import get_settings
from carveout.contracts import deployed
from carveout.contracts.files import default_folder
from carveout.models import Map
from carveout.operations.contextmap import picture, tables
from carveout.operations.contextmap.context_map import ContextMap
from carveout.operations.contextmap.context_map import draw as map_of
from carveout.operations.contextmap.downstream import downstream
from carveout.operations.contextmap.gathering import gather
from carveout.operations.contextmap.observed import observe
from carveout.subscriptions.copies.row_admin import ChangesNothing

View = Callable[[HttpRequest], HttpResponse]


@admin.register(Map)
class MapAdmin(ChangesNothing, admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows the map in place of a list of rows."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("carveout.view_loggedevent")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        return [
            path("", self._get_only(self.map_view), name="carveout_map_changelist"),
            path("live/", self._get_only(self.live_view), name="carveout_map_live"),
        ]

    def _get_only(self, view: View) -> View:
        return require_safe(self.admin_site.admin_view(view))

    def map_view(self, request: HttpRequest) -> HttpResponse:
        """Shows the map; `?after=<event type>` highlights what that event leads to."""
        self._check_permission(request)
        drawn = _map()
        after = request.GET.get("after", "")
        if after and after not in {event.type for event in drawn.events}:
            raise Http404(f"There is no event {after}.")
        follows = downstream(after, drawn) if after else None
        context = {
            **self.admin_site.each_context(request),
            "title": "Map",
            "opts": self.opts,
            "map": drawn,
            "picture": picture.draw(drawn, follows),
            "event_uses": tables.event_uses(drawn, follows),
            "subscriptions": tables.subscriptions(drawn),
            "lookups": tables.lookups(drawn),
            "follows": follows,
        }
        return TemplateResponse(request, "carveout/map.html", context)

    def live_view(self, request: HttpRequest) -> HttpResponse:
        """The current numbers, as the texts that the page shows."""
        self._check_permission(request)
        answer = tables.live_cells(observe())
        if request.user.has_perm("carveout.view_delivery"):
            for trouble in answer["troubles"].values():
                for line in trouble["lines"]:
                    line["url"] = _deliveries(line["kind"], line["who"])
        return JsonResponse(answer)

    def _check_permission(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied


def _deliveries(kind: str, subscription: str) -> str:
    """The page of the deliveries that are in trouble; empty for other troubles."""
    if kind not in STATES:
        return ""
    database = get_settings().database_of(subscription.partition(".")[0])
    query = {DATABASE: database, "subscription": subscription, "state__exact": kind}
    return f"{reverse('admin:carveout_delivery_changelist')}?{urlencode(query)}"


def _map() -> ContextMap:
    deployed.announce(get_settings().hosted)
    return map_of(*gather(default_folder()))
