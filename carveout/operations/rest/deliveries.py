"""REST of deliveries: what was not handled at once, why, and how to retry it."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from carveout.conf import get_settings
from carveout.models import Delivery
from carveout.operations import failed_deliveries
from carveout.operations.audit import REASON_LENGTH_MAX, Actor
from carveout.operations.rest.pagination import next_link, page_of, span_of
from carveout.operations.rest.parameters import DeliveryQuery, checked, database_for
from carveout.operations.rest.permissions import StaffViewSet


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    """One event that is parked for one subscription."""

    class Meta:
        model = Delivery
        fields = [
            *("id", "subscription", "context", "partition", "position", "key", "event_id"),
            *("state", "attempts", "due_at", "parked_at", "error_type", "error"),
        ]


class DeliveryPageSerializer(serializers.Serializer[Any]):
    """Deliveries, the newest first. A page may be short or empty; keep following `next`."""

    next = serializers.URLField(allow_null=True)
    results = DeliverySerializer(many=True)


class RetrySerializer(serializers.Serializer[Any]):
    """Why a delivery is retried; the audit records it."""

    reason = serializers.CharField(max_length=REASON_LENGTH_MAX)


class RetriedSerializer(serializers.Serializer[Any]):
    """How many deliveries will be retried."""

    retried = serializers.IntegerField()


class DeliveryViewSet(StaffViewSet):
    """Events that subscriptions of the contexts hosted here did not handle at once."""

    permission = "carveout.view_delivery"
    query = DeliveryQuery

    def needs(self) -> list[str]:
        """Acting requires the permission to view, as in the admin."""
        acts = ["carveout.retry_delivery"] if self.action == "retry" else []
        return [self.permission, *acts]

    def list(self, request: Request) -> Response:
        """The newest deliveries, by subscription or state."""
        asked = checked(DeliveryQuery, request)
        rows = Delivery.objects.using(database_for(asked.get("context")))
        found = _of_context(rows.all(), asked.get("context"))
        given = {name: asked[name] for name in ("subscription", "state") if name in asked}
        span = span_of(rows.all(), None, None)
        before, limit = asked.get("before"), asked["limit"]
        page = page_of(found.filter(**given), span, before, limit, indexed=False)
        shown = {"next": next_link(page, request), "results": page.rows}
        return Response(DeliveryPageSerializer(shown).data)

    def retrieve(self, request: Request, context: str, pk: int) -> Response:
        """One delivery of a subscribing context."""
        row = _kept(context, pk).first()
        if row is None:
            raise Http404(f"There is no delivery {pk} of {context} here.")
        return Response(DeliverySerializer(row).data)

    @action(detail=True, methods=["post"])
    def retry(self, request: Request, context: str, pk: int) -> Response:
        """Retry it at once, with its attempts counted from zero; a dead one too."""
        kept = _kept(context, pk)
        if not kept.exists():
            raise Http404(f"There is no delivery {pk} of {context} here.")
        asked = RetrySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        by = Actor(request.user.get_username(), request.user)
        return Response(
            {"retried": failed_deliveries.retry(kept, by, asked.validated_data["reason"])}
        )


def _kept(context: str, pk: int) -> "QuerySet[Delivery]":
    if not get_settings().hosts(context):
        raise ValidationError({"context": f"Hosted here: {', '.join(get_settings().hosted)}."})
    rows = Delivery.objects.using(get_settings().database_of(context)).filter(pk=pk)
    return _of_context(rows, context)


def _of_context(rows: "QuerySet[Delivery]", context: str | None) -> "QuerySet[Delivery]":
    return rows.filter(subscription__startswith=f"{context}.") if context else rows
