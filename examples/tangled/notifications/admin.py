from django.contrib import admin

from notifications.models import Notification


@admin.register(Notification)
class NotificationAdmin(admin.ModelAdmin):
    list_display = ["order", "kind", "channel", "recipient", "sent_at"]
    list_filter = ["kind", "channel", "order__status"]
    list_select_related = ["order"]
    search_fields = ["recipient", "order__number", "order__lines__product__name"]
    fields = readonly_fields = ["order", "kind", "channel", "recipient", "sent_at"]
