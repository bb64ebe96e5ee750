"""What the depot lets others look up."""

from rest_framework import serializers

import carveout


class PartSerializer(serializers.Serializer):
    name = serializers.CharField()


class BoxSerializer(serializers.Serializer):
    number = serializers.CharField()
    weight = serializers.IntegerField()
    parts = PartSerializer(many=True)


@carveout.lookup("box", key="number")
class BoxLookup(carveout.LookupViewSet):
    """A box and what is in it."""

    serializer_class = BoxSerializer
