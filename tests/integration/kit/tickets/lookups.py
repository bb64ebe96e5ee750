"""What tickets lets others look up."""

from rest_framework import serializers

import carveout
from tests.integration.kit.tickets.models import Ticket


class TicketSerializer(serializers.ModelSerializer):
    """A ticket and where its holder sits."""

    seat = serializers.SerializerMethodField()

    class Meta:
        model = Ticket
        fields = ["number", "title", "price", "seat"]

    def get_seat(self, ticket: Ticket) -> dict[str, object]:
        return {"row": "A", "place": len(ticket.title)}


@carveout.lookup("ticket", key="number")
class TicketLookup(carveout.LookupViewSet):
    """A ticket by number."""

    queryset = Ticket.objects.using("kit")
    serializer_class = TicketSerializer
