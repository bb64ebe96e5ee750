from django.contrib import admin, messages
from django.contrib.contenttypes.admin import GenericTabularInline
from django.db.models import Count

from accounts.models import Note
from notifications.models import Notification
from orders import services
from orders.errors import OrderError
from orders.models import Order, OrderLine


class OrderLineInline(admin.TabularInline):
    model = OrderLine
    fields = ["product", "quantity", "price"]
    autocomplete_fields = ["product"]
    extra = 0


class NotificationInline(admin.TabularInline):
    model = Notification
    fields = readonly_fields = ["kind", "channel", "recipient", "sent_at"]
    can_delete = False
    extra = 0


class NoteInline(GenericTabularInline):
    model = Note
    fields = ["text", "author"]
    extra = 0


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    list_display = ["number", "status", "email", "total", "told", "placed_at"]
    list_filter = ["status", "products__artist"]
    search_fields = ["number", "email", "customer__username", "products__name"]
    autocomplete_fields = ["customer"]
    readonly_fields = ["number", "status", "total", "placed_at"]
    inlines = [OrderLineInline, NotificationInline, NoteInline]
    actions = ["ship"]

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(told=Count("notifications", distinct=True))

    @admin.display(description="messages")
    def told(self, order) -> int:
        return order.told

    @admin.action(description="Ship the selected orders", permissions=["change"])
    def ship(self, request, orders):
        for order in orders:
            try:
                services.ship_order(order.number)
            except OrderError as error:
                self.message_user(request, str(error), messages.ERROR)
