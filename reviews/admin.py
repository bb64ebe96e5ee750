"""The admin for deciding on reviews, and for viewing verified customers and their orders."""

from django.contrib import admin, messages

from reviews import services
from reviews.models import CancelledOrder, Purchase, Review, VerifiedCustomer


@admin.register(Review)
class ReviewAdmin(admin.ModelAdmin):
    """Staff decide whether a review is shown; they don't change its text."""

    list_display = ["sku", "customer_name", "stars", "verified", "status", "created_at"]
    list_filter = ["status", "rating", "created_at"]
    search_fields = ["sku", "customer_id", "customer_name", "text"]
    readonly_fields = ["customer_id", "customer_name", "sku", "rating", "text", "created_at"]
    date_hierarchy = "created_at"
    actions = ["approve", "reject"]

    def get_queryset(self, request):
        return super().get_queryset(request).with_verified()

    def has_add_permission(self, request):
        return False

    @admin.display(boolean=True, ordering="verified")
    def verified(self, review):
        return review.verified

    @admin.action(description="Approve", permissions=["change"])
    def approve(self, request, queryset):
        self.decide(request, queryset, Review.Status.APPROVED)

    @admin.action(description="Reject", permissions=["change"])
    def reject(self, request, queryset):
        self.decide(request, queryset, Review.Status.REJECTED)

    def decide(self, request, queryset, status):
        changed = list(queryset.exclude(status=status))
        count = services.decide(queryset, status)
        for review in changed:
            self.log_change(request, review, f"{status.label} in the list.")
        self.message_user(request, f"{count} {status.label.lower()}.", messages.SUCCESS)


class WrittenByOrders:
    """Shows rows that only events write."""

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class PurchaseInline(WrittenByOrders, admin.TabularInline):
    model = Purchase
    extra = 0
    fields = ["order_number", "bought_at"]


@admin.register(VerifiedCustomer)
class VerifiedCustomerAdmin(WrittenByOrders, admin.ModelAdmin):
    list_display = ["customer_id", "sku", "verified_at"]
    list_filter = ["verified_at"]
    search_fields = ["customer_id", "sku", "purchases__order_number"]
    inlines = [PurchaseInline]


@admin.register(Purchase)
class PurchaseAdmin(WrittenByOrders, admin.ModelAdmin):
    list_display = ["order_number", "verified", "bought_at"]
    list_filter = ["bought_at"]
    list_select_related = ["verified"]
    search_fields = ["order_number", "verified__customer_id", "verified__sku"]


@admin.register(CancelledOrder)
class CancelledOrderAdmin(WrittenByOrders, admin.ModelAdmin):
    list_display = ["order_number", "heard_at"]
    list_filter = ["heard_at"]
    search_fields = ["order_number"]
