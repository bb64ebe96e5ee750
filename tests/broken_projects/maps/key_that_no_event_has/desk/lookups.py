"""What the desk lets others look up."""

from rest_framework import serializers

import carveout


class TicketSerializer(serializers.Serializer):
    number = serializers.CharField()
    weight = serializers.IntegerField()


@carveout.lookup("ticket", key="number")
class TicketLookup(carveout.LookupViewSet):
    """Of the desk."""

    serializer_class = TicketSerializer
