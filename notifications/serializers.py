"""Notifications as REST shows them."""

from rest_framework import serializers

from notifications.models import Notification


class NotificationSerializer(serializers.ModelSerializer):
    class Meta:
        model = Notification
        fields = [
            "id",
            "order_number",
            "customer_id",
            "kind",
            "channel",
            "recipient",
            "message_id",
            "status",
            "attempts",
            "ambiguous",
            "sent_at",
            "created_at",
        ]
