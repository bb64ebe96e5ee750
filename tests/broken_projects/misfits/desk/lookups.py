"""Lookups without their key, serializer or queryset, and readers of what they do not offer."""

from rest_framework import serializers

import carveout
from desk.models import Ticket


class LineSerializer(serializers.Serializer):
    """A part of a ticket."""

    text = serializers.CharField()


class TicketSerializer(serializers.ModelSerializer):
    """A ticket."""

    lines = LineSerializer(many=True, source="number")

    class Meta:
        model = Ticket
        fields = ["number", "subject", "lines"]


class BrokenSerializer(serializers.ModelSerializer):
    """It names a field that its model does not have."""

    class Meta:
        model = Ticket
        fields = ["nmber"]


@carveout.lookup("ticket", key="number")
class TicketLookup(carveout.LookupViewSet):
    """Nothing is wrong with it."""

    queryset = Ticket.objects.all()
    serializer_class = TicketSerializer


@carveout.lookup("keyless", key="numbr")
class KeylessLookup(TicketLookup):
    """Its key is misspelt."""


@carveout.lookup("bare", key="number")
class BareLookup(carveout.LookupViewSet):
    """It answers nothing."""

    queryset = Ticket.objects.all()


@carveout.lookup("broken", key="number")
class BrokenLookup(TicketLookup):
    """Its serializer raises."""

    serializer_class = BrokenSerializer


class Line(carveout.Lookup, of="desk.ticket"):
    """Nothing is wrong with it."""

    number: str


class TicketToRead(carveout.Lookup, of="desk.ticket"):
    """A misspelt field, and one with a default: they are asked for all the same."""

    number: str
    subjct: str
    colour: str = ""


class TicketToKeep(carveout.Lookup, of="desk.ticket"):
    """The model in the place of its fields."""

    number: str
    subject: Ticket
