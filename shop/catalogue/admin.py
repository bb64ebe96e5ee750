"""The admin of products and of the decisions about their stock."""

from django.contrib import admin
from django.db.models import F

from shop.catalogue.models import Product, Reservation, StockDecision


class StockFilter(admin.SimpleListFilter):
    """Products by how many are left."""

    title = "stock"
    parameter_name = "left"
    ranges = {"none": (0, 0), "few": (1, 9), "enough": (10, 2**31 - 1)}

    def lookups(self, request, model_admin):
        return [("none", "none left"), ("few", "1 to 9"), ("enough", "10 and more")]

    def queryset(self, request, products):
        return products.filter(stock__range=self.ranges[self.value()]) if self.value() else products


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    list_display = ["sku", "name", "artist", "price", "stock"]
    list_filter = [StockFilter, "artist"]
    search_fields = ["sku", "name", "artist"]
    actions = ["add_100"]

    def save_model(self, request, product, form, change):
        # Save only what was edited: the page may be older than the last reservation.
        product.save(update_fields=form.changed_data if change else None)

    @admin.action(description="Add 100 pieces to the stock", permissions=["change"])
    def add_100(self, request, products):
        added = products.update(stock=F("stock") + 100)
        for product in products:
            self.log_change(request, product, "Added 100 pieces to the stock.")
        self.message_user(request, f"100 pieces added to {added} products.")


class ReservationInline(admin.TabularInline):
    model = Reservation
    fields = readonly_fields = ["product", "quantity"]
    can_delete = False
    extra = 0


class ReadOnlyAdmin(admin.ModelAdmin):
    """Shows rows that only events change."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(StockDecision)
class StockDecisionAdmin(ReadOnlyAdmin):
    list_display = ["order_number", "customer_id", "outcome", "shortage", "decided_at"]
    list_filter = ["outcome", "decided_at"]
    search_fields = ["order_number", "customer_id"]
    date_hierarchy = "decided_at"
    inlines = [ReservationInline]


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    list_display = ["order_number", "product", "quantity", "outcome"]
    list_filter = ["decision__outcome", "product"]
    list_select_related = ["decision", "product"]
    search_fields = ["decision__order_number", "product__sku", "product__name"]

    @admin.display(ordering="decision__order_number")
    def order_number(self, reservation):
        return reservation.decision.order_number

    @admin.display(ordering="decision__outcome")
    def outcome(self, reservation):
        return reservation.decision.outcome
