"""REST of subscriptions of the contexts hosted here: their types, lag and deliveries."""

from typing import Any

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from carveout.conf import get_settings
from carveout.models import Delivery
from carveout.operations.age import age_s
from carveout.operations.rest.permissions import StaffViewSet
from carveout.subscriptions.status import PartitionStatus, SubscriptionStatus, statuses


class LagSerializer(serializers.Serializer[Any]):
    """How far a subscription is behind on one partition; null if its end is not known."""

    context = serializers.CharField()  # type: ignore[assignment] # fields leave the class
    partition = serializers.IntegerField()
    events = serializers.IntegerField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True)


class SubscriptionSerializer(serializers.Serializer[Any]):
    """One subscription. The lag on a log elsewhere is known if Redis or its owner answers."""

    name = serializers.CharField()
    context = serializers.CharField()  # type: ignore[assignment] # fields leave the class
    types = serializers.ListField(child=serializers.CharField())
    via = serializers.CharField()
    ordered = serializers.BooleanField()
    max_attempts = serializers.IntegerField()
    lag = LagSerializer(many=True)
    deliveries = serializers.DictField(child=serializers.IntegerField())


class SubscriptionViewSet(StaffViewSet):
    """The subscriptions of the contexts hosted here, with lag and deliveries."""

    permission = "carveout.view_cursor"

    def list(self, request: Request) -> Response:
        """All subscriptions, by name."""
        found = [_described(each) for each in statuses(get_settings().hosted)]
        return Response(SubscriptionSerializer(found, many=True).data)

    def retrieve(self, request: Request, name: str) -> Response:
        """One subscription."""
        context = name.partition(".")[0]
        for each in statuses([context] if get_settings().hosts(context) else []):
            if each.subscription.name == name:
                return Response(SubscriptionSerializer(_described(each)).data)
        raise Http404(f"There is no subscription {name} here.")


def _described(each: SubscriptionStatus) -> dict[str, Any]:
    of = each.subscription
    return {
        "name": of.name,
        "context": of.context,
        "types": sorted(of.types),
        "via": of.via,
        "ordered": of.ordered,
        "max_attempts": of.max_attempts,
        "lag": [_behind(partition) for partition in each.partitions],
        "deliveries": {state: each.deliveries.get(state, 0) for state in Delivery.State.values},
    }


def _behind(partition: PartitionStatus) -> dict[str, Any]:
    return {
        "context": partition.ref.context,
        "partition": partition.ref.number,
        "events": partition.lag,
        "seconds": None if partition.lag is None else age_s(partition.behind_since),
    }
