"""The internal REST: lookups, and the log for readers whose stream has a gap."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from carveout import log
from carveout.access import ContextTokenAuthentication, IsContextOrStaff, StaffAuthentication
from carveout.conf import get_settings
from carveout.errors import HistoryGone
from carveout.history import History
from carveout.lookups import offered
from carveout.moment import native
from carveout.pinned import PinnedView, uncached
from carveout.story import parts

EVENTS_MAX = 1000
POSITION_MAX = 2**63 - 1


@login_not_required  # who may read it, its own view decides
def lookup_view(request: HttpRequest, owner: str, lookup: str) -> HttpResponseBase:
    """The lookup of that name, if a context hosted here offers it."""
    view = offered.get(f"{owner}.{lookup}")
    if view is None or not get_settings().hosts(owner):
        # A 404 of Django's may be kept by caches, and the lookup may come with the next release.
        text = f"no lookup {owner}.{lookup} here"
        unknown = HttpResponse(text, status=404, content_type="text/plain")
        uncached(unknown)
        return unknown
    answer: HttpResponseBase = view.as_view({"get": "list"})(request)
    return answer


class EventsView(PinnedView):
    """The events of one partition after a position, straight from the log."""

    authentication_classes = [ContextTokenAuthentication, StaffAuthentication]
    permission_classes = [IsContextOrStaff]
    permission = "carveout.view_loggedevent"

    def get(self, request: Request, owner: str, partition: int) -> HttpResponse:
        places = log.places_of([owner]) if get_settings().hosts(owner) else []
        if (owner, partition) not in places:
            raise Http404(f"no partition {owner}.{partition} here")
        after = _number(request, "after", 0)
        limit = min(_number(request, "limit", EVENTS_MAX), EVENTS_MAX)
        extent = log.extent(owner, partition)
        try:
            events = log.read(owner, partition, after, limit) if limit else []
        except HistoryGone as gone:
            return HttpResponse(str(gone), status=410, content_type="text/plain")
        since = _time(request, "since")
        before = log.position_before(owner, partition, since) if since else 0
        answer = History(extent.identity, extent.first, extent.head, len(places), events, before)
        return HttpResponse(msgspec.json.encode(answer), content_type="application/json")


class StoriesView(PinnedView):
    """What this deployment tells of a story; see `carveout.story.parts`."""

    authentication_classes = [ContextTokenAuthentication, StaffAuthentication]
    permission_classes = [IsContextOrStaff]
    permission = "carveout.view_loggedevent"

    def get(self, request: Request, owner: str) -> HttpResponse:
        if not get_settings().hosts(owner):
            raise Http404(f"{owner} is not hosted here")
        asked = request.query_params
        names, events = asked.getlist("correlation"), asked.getlist("event")
        if max(len(names), len(events)) > parts.NAMES_MAX:
            raise ValidationError(f"Ask for at most {parts.NAMES_MAX} at once.")
        try:
            heard = [parts.read(each) for each in events]
        except ValueError as error:
            raise ValidationError({"event": str(error)}) from error
        answer = parts.part(asked.get("q", ""), names, heard)
        return HttpResponse(msgspec.json.encode(answer), content_type="application/json")


def _number(request: Request, name: str, default: int) -> int:
    raw: Any = request.query_params.get(name, default)
    try:
        number = int(raw)
    except ValueError:
        number = -1
    if not 0 <= number <= POSITION_MAX:
        raise ValidationError({name: f"{raw!r} is no whole number from 0 to {POSITION_MAX}."})
    return number


def _time(request: Request, name: str) -> datetime | None:
    raw = request.query_params.get(name, "")
    try:
        time = datetime.fromisoformat(raw) if raw else None
        in_utc = time.astimezone(UTC) if time else None
    except (ValueError, OverflowError):
        time = None
    if raw and (time is None or time.tzinfo is None):
        raise ValidationError({name: f"{raw!r} is no time like 2026-01-31T12:00:00+00:00."})
    return native(in_utc) if in_utc else None
