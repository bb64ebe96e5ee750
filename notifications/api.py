"""REST: what was sent to whom. Customers see their own, staff see all."""

from rest_framework import permissions, viewsets

from notifications.models import Notification
from notifications.serializers import NotificationSerializer


class NotificationViewSet(viewsets.ReadOnlyModelViewSet):
    """Messages about orders: confirmations, cancellations and shippings, by e-mail and SMS."""

    queryset = Notification.objects.all()
    serializer_class = NotificationSerializer
    permission_classes = [permissions.IsAuthenticated]
    filterset_fields = ["kind", "channel", "status", "order_number"]

    def get_queryset(self):
        rows = super().get_queryset()
        user = self.request.user
        return rows if user.is_staff else rows.filter(customer_id=str(user.id))
