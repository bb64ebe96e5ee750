"""What others may look up of cards."""

from rest_framework.serializers import ModelSerializer

import carveout
from cards.models import Card


class CardSerializer(ModelSerializer):
    """A card."""

    class Meta:
        model = Card
        fields = ["key", "version"]


@carveout.lookup("card", key="key")
class CardLookup(carveout.LookupViewSet):
    """A card by its key."""

    queryset = Card.objects.all()
    serializer_class = CardSerializer
