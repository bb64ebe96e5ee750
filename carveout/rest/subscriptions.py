"""Subscriptions of the contexts hosted here: what they hear, their lag and their deliveries."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from carveout.conf import get_settings
from carveout.connection import REDIS_ERRORS
from carveout.errors import StreamUnavailable
from carveout.metrics import deliveries, subscriptions
from carveout.metrics.metric import Sample
from carveout.rest.access import StaffViewSet
from carveout.subscription import Subscription, hosted


class LagSerializer(serializers.Serializer[Any]):
    """How far behind one partition a subscription is."""

    context = serializers.CharField()  # type: ignore[assignment] # fields leave the class
    partition = serializers.IntegerField()
    events = serializers.IntegerField()
    seconds = serializers.FloatField()


class SubscriptionSerializer(serializers.Serializer[Any]):
    """One subscription. The lag behind a log that lives elsewhere is known if Redis answers."""

    name = serializers.CharField()
    context = serializers.CharField()  # type: ignore[assignment] # fields leave the class
    types = serializers.ListField(child=serializers.CharField())
    via = serializers.CharField()
    ordered = serializers.BooleanField()
    max_attempts = serializers.IntegerField()
    lag = LagSerializer(many=True)
    deliveries = serializers.DictField(child=serializers.IntegerField())


class SubscriptionViewSet(StaffViewSet):
    """Where the subscriptions of the contexts hosted here stand."""

    permission = "carveout.view_cursor"

    def list(self, request: Request) -> Response:
        """All of them, by name."""
        found = _described(hosted(get_settings().hosted))
        return Response(SubscriptionSerializer(found, many=True).data)

    def retrieve(self, request: Request, name: str) -> Response:
        """One of them."""
        named = [each for each in hosted(get_settings().hosted) if each.name == name]
        if not named:
            raise Http404(f"There is no subscription {name} here.")
        return Response(SubscriptionSerializer(_described(named)[0]).data)


def _described(chosen: list[Subscription]) -> list[dict[str, Any]]:
    lag: dict[str, dict[tuple[str, int], dict[str, float]]] = defaultdict(dict)
    kept: dict[str, dict[str, int]] = defaultdict(dict)
    for sample in _samples({each.context for each in chosen}):
        name, *labels = sample.labels
        if sample.metric is deliveries.DELIVERIES:
            kept[name][labels[0]] = int(sample.value)
        elif sample.metric in (subscriptions.LAG, subscriptions.LAG_AGE):
            unit = "events" if sample.metric is subscriptions.LAG else "seconds"
            lag[name].setdefault((labels[0], int(labels[1])), {})[unit] = sample.value
    return [_one(each, lag[each.name], kept[each.name]) for each in chosen]


def _samples(contexts: Collection[str]) -> Iterator[Sample]:
    for database in {get_settings().database_of(context) for context in contexts}:
        yield from deliveries.look(database)
    for context in contexts:
        yield from subscriptions.look(context)
        if not get_settings().uses_redis:
            continue
        try:
            yield from list(subscriptions.look_at_streams(context))
        except (StreamUnavailable, *REDIS_ERRORS):
            continue


def _one(
    each: Subscription, lag: dict[tuple[str, int], dict[str, float]], kept: dict[str, int]
) -> dict[str, Any]:
    return {
        "name": each.name,
        "context": each.context,
        "types": sorted(each.types),
        "via": each.via,
        "ordered": each.ordered,
        "max_attempts": each.max_attempts,
        "lag": [
            {"context": context, "partition": number, **behind}
            for (context, number), behind in sorted(lag.items())
        ],
        "deliveries": kept,
    }
