"""The first page of the REST for staff: the lists that an account may see."""

from rest_framework.request import Request
from rest_framework.response import Response

from carveout.operations.rest.deliveries import DeliveryViewSet
from carveout.operations.rest.events import EventViewSet
from carveout.operations.rest.permissions import StaffViewSet
from carveout.operations.rest.subscriptions import SubscriptionViewSet

LISTS: dict[str, type[StaffViewSet]] = {
    "events": EventViewSet,
    "subscriptions": SubscriptionViewSet,
    "deliveries": DeliveryViewSet,
}


class IndexViewSet(StaffViewSet):
    """What the contexts hosted here have published, and what became of it."""

    def needs(self) -> list[str]:
        """None of its own: it names only the lists that the account may see."""
        return []

    def list(self, request: Request) -> Response:
        """The lists, by name."""
        seen = [name for name, view in LISTS.items() if request.user.has_perm(view.permission)]
        return Response({name: request.build_absolute_uri(f"{name}/") for name in seen})
