"""The internal REST API of the log, for readers whose stream has a gap."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from django.http import Http404, HttpResponse
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from carveout.conf import get_settings
from carveout.conf.time_zones import native
from carveout.errors import HistoryGone
from carveout.eventlog import reader
from carveout.eventlog.remote import EventsPage
from carveout.events.event import POSITION_MAX
from carveout.lookups.authentication import (
    ContextTokenAuthentication,
    IsContextOrStaff,
    StaffAuthentication,
)
from carveout.lookups.pinned_views import PinnedView

EVENTS_MAX = 1000


class EventsView(PinnedView):
    """Returns the events of one partition after a position, directly from the log."""

    authentication_classes = [ContextTokenAuthentication, StaffAuthentication]
    permission_classes = [IsContextOrStaff]
    permission = "carveout.view_loggedevent"

    def get(self, request: Request, owner: str, partition: int) -> HttpResponse:
        refs = reader.all_partitions([owner]) if get_settings().hosts(owner) else []
        if (owner, partition) not in refs:
            raise Http404(f"no partition {owner}.{partition} here")
        after = _number(request, "after", 0)
        limit = min(_number(request, "limit", EVENTS_MAX), EVENTS_MAX)
        log_range = reader.log_range(owner, partition)
        try:
            events = reader.read(owner, partition, after, limit) if limit else []
        except HistoryGone as gone:
            return HttpResponse(str(gone), status=410, content_type="text/plain")
        since = _time(request, "since")
        before = reader.position_before(owner, partition, since) if since else 0
        answer = EventsPage(
            log_range.identity, log_range.first, log_range.head, len(refs), events, before
        )
        return HttpResponse(msgspec.json.encode(answer), content_type="application/json")


def _number(request: Request, name: str, default: int) -> int:
    raw: Any = request.query_params.get(name, default)
    try:
        number = int(raw)
    except ValueError:
        number = -1
    if not 0 <= number <= POSITION_MAX:
        raise ValidationError({name: f"{raw!r} is not a whole number from 0 to {POSITION_MAX}."})
    return number


def _time(request: Request, name: str) -> datetime | None:
    raw = request.query_params.get(name, "")
    try:
        time = datetime.fromisoformat(raw) if raw else None
        in_utc = time.astimezone(UTC) if time else None
    except (ValueError, OverflowError):
        time = None
    if raw and (time is None or time.tzinfo is None):
        raise ValidationError({name: f"{raw!r} is not a time like 2026-01-31T12:00:00+00:00."})
    return native(in_utc) if in_utc else None
