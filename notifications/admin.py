"""Notifications in the admin: to read, and to send again. Messages write their rows themselves."""

from django.contrib import admin, messages

import carveout
from notifications import services
from notifications.errors import NotAccepted
from notifications.models import Notification


@admin.register(Notification)
class NotificationAdmin(admin.ModelAdmin):
    list_display = [
        "order_number",
        "kind",
        "channel",
        "recipient",
        "status",
        "attempts",
        "ambiguous",
        "sent_at",
    ]
    list_filter = ["status", "kind", "channel", "ambiguous", "created_at"]
    search_fields = ["order_number", "customer_id", "recipient", "message_id"]
    date_hierarchy = "created_at"
    actions = ["send_again"]

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def has_resend_permission(self, request):
        return request.user.has_perm("notifications.resend_notification")

    @admin.action(description="Send again", permissions=["resend"])
    def send_again(self, request, queryset):
        """One by one, each with its own result: one refused message stops no other."""
        for notification in queryset:
            try:
                services.send_again(notification)
            except (NotAccepted, OSError, carveout.CarveoutError) as error:
                self.message_user(request, f"{notification}: {error}", messages.ERROR)
            else:
                self.message_user(request, f"{notification}: sent", messages.SUCCESS)
