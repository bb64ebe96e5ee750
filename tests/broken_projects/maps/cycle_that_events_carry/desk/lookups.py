"""What the desk lets others look up, and what it reads."""

from rest_framework import serializers

import carveout


class TicketSerializer(serializers.Serializer):
    number = serializers.CharField()
    weight = serializers.IntegerField()


@carveout.lookup("ticket", key="number")
class TicketLookup(carveout.LookupViewSet):
    """Of the desk."""

    serializer_class = TicketSerializer


class Box(carveout.Lookup, of="depot.box"):
    """Of another context."""

    number: str
    weight: int
