"""Orders for staff. An order's content is a fact and is not edited; staff ship or cancel it."""

from django.contrib import admin, messages
from django.urls import reverse
from django.utils.html import format_html

from . import services
from .errors import OrderError
from .models import Order, OrderLine


class OrderLineInline(admin.TabularInline):
    model = OrderLine
    fields = readonly_fields = ["sku", "name", "quantity", "price", "amount"]
    extra = 0
    can_delete = False

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    list_display = ["number", "status", "customer_id", "email", "total", "placed_at", "story"]
    list_filter = ["status", "placed_at", "cancel_reason"]
    search_fields = ["number", "email", "customer_id"]
    search_help_text = "Number, e-mail address or customer id"
    date_hierarchy = "placed_at"
    inlines = [OrderLineInline]
    actions = ["ship", "cancel"]

    def get_readonly_fields(self, request, obj=None):
        return [*(field.name for field in Order._meta.fields), "story"]

    @admin.display(description="story")
    def story(self, order):
        """Links to everything that followed from this order, in every context."""
        page = reverse("admin:carveout_story_changelist")
        return format_html('<a href="{}?q={}">what happened</a>', page, order.number)

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    @admin.action(description="Ship the selected orders", permissions=["change"])
    def ship(self, request, orders):
        self.apply(request, orders, "shipped", services.ship_order)

    @admin.action(description="Cancel the selected orders", permissions=["change"])
    def cancel(self, request, orders):
        self.apply(
            request,
            orders,
            "cancelled",
            lambda number: services.cancel_order(number, services.BY_SHOP),
        )

    def apply(self, request, orders, done, service):
        """Changes each order separately: one that can't change says why and stops no other."""
        count = 0
        for number in orders.values_list("number", flat=True):
            try:
                service(number)
                count += 1
            except OrderError as error:
                self.message_user(request, str(error), messages.ERROR)
        if count:
            noun = "order" if count == 1 else "orders"
            self.message_user(request, f"{count} {noun} {done}.", messages.SUCCESS)
