"""What the depot lets others look up, and what it reads."""

from rest_framework import serializers

import carveout


class BoxSerializer(serializers.Serializer):
    number = serializers.CharField()
    weight = serializers.IntegerField()


@carveout.lookup("box", key="number")
class BoxLookup(carveout.LookupViewSet):
    """Of the depot."""

    serializer_class = BoxSerializer


class Ticket(carveout.Lookup, of="desk.ticket"):
    """Of another context."""

    number: str
    weight: int
