"""REST of the events of the log."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import Http404
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from carveout.conf import get_settings
from carveout.models import LoggedEvent
from carveout.operations.rest.cloudevents import (
    CloudEventRenderer,
    CloudEventsRenderer,
    cloud_event,
    data_of,
)
from carveout.operations.rest.pagination import next_link, page_of, span_of
from carveout.operations.rest.parameters import EventQuery, checked, database_for
from carveout.operations.rest.permissions import StaffViewSet

CORRELATED_MAX = 1000


class EventSerializer(serializers.ModelSerializer[LoggedEvent]):
    """One event. It has no position until the relay gives it one."""

    id = serializers.UUIDField(source="event_id")
    data = serializers.SerializerMethodField()  # type: ignore[assignment] # fields leave the class

    class Meta:
        model = LoggedEvent
        fields = [
            *("id", "type", "context", "partition", "position", "key", "time", "data"),
            *("carries", "carried", "correlation_id", "causation_id", "traceparent"),
        ]

    def get_data(self, row: LoggedEvent) -> dict[str, Any]:
        data: dict[str, Any] = data_of(row)
        return data


class EventPageSerializer(serializers.Serializer[Any]):
    """Events, the newest first. A page may be short or empty; keep following `next`."""

    next = serializers.URLField(allow_null=True)
    results = EventSerializer(many=True)


class EventViewSet(StaffViewSet):
    """The events of the contexts hosted here; as CloudEvents too."""

    permission = "carveout.view_loggedevent"
    query = EventQuery

    def get_renderers(self) -> list[BaseRenderer]:
        cloud = CloudEventsRenderer if self.action == "list" else CloudEventRenderer
        json, *pages = super().get_renderers()
        return [json, cloud(), *pages]

    def handle_exception(self, exc: Exception) -> Response:
        """Sends an error as plain JSON: it is not a CloudEvent."""
        response: Response = super().handle_exception(exc)
        if "cloudevent" in getattr(self.request, "accepted_media_type", ""):
            response.content_type = "application/json"
        return response

    def list(self, request: Request) -> Response:
        """The newest events, by type, key, context, correlation or time."""
        asked = checked(EventQuery, request)
        rows = LoggedEvent.objects.using(database_for(asked.get("context")))
        span = span_of(rows.all(), asked.get("since"), asked.get("until"))
        indexed = "key" in asked or "correlation_id" in asked
        page = page_of(
            _matching(rows.all(), asked), span, asked.get("before"), asked["limit"], indexed=indexed
        )
        following = next_link(page, request)
        if request.accepted_renderer.format == CloudEventsRenderer.format:
            headers = {"Link": f'<{following}>; rel="next"'} if following else {}
            return Response([cloud_event(row) for row in page.rows], headers=headers)
        return Response(EventPageSerializer({"next": following, "results": page.rows}).data)

    def retrieve(self, request: Request, event_id: UUID) -> Response:
        """One event."""
        row = _found(event_id)
        if request.accepted_renderer.format == CloudEventRenderer.format:
            return Response(cloud_event(row))
        return Response(EventSerializer(row).data)


def _found(event_id: UUID) -> LoggedEvent:
    for database in get_settings().hosted_databases:
        if row := LoggedEvent.objects.using(database).filter(event_id=event_id).first():
            return row
    raise Http404(f"There is no event {event_id} here.")


def _matching(rows: "QuerySet[LoggedEvent]", asked: dict[str, Any]) -> "QuerySet[LoggedEvent]":
    """Filters without an index come last; the page's window bounds them."""
    if "correlation_id" in asked:
        rows = rows.filter(pk__in=_correlated(rows, asked["correlation_id"]))
    given = {name: asked[name] for name in ("key", "type", "context") if name in asked}
    times = {"time__gte": asked.get("since"), "time__lt": asked.get("until")}
    return rows.filter(**given, **{name: time for name, time in times.items() if time})


def _correlated(rows: "QuerySet[LoggedEvent]", correlation_id: str) -> list[int]:
    """The ids of events that belong together; the first one may be named by its own id."""
    belongs = Q(correlation_id=correlation_id, correlation_id__gt="")
    ids = set(rows.filter(belongs).values_list("pk", flat=True)[:CORRELATED_MAX])
    try:
        began = UUID(correlation_id)
    except ValueError:
        return sorted(ids)
    return sorted({*ids, *rows.filter(event_id=began).values_list("pk", flat=True)})
