from django.contrib import admin

from orders.models import Order, OrderLine  # C
from parcels.models import Parcel


@admin.register(Parcel)
class ParcelAdmin(admin.ModelAdmin):
    raw_id_fields = ["order"]  # C
    list_filter = ["sent", "order__buyer__phone"]  # C C


class LineInline(admin.TabularInline):
    model = OrderLine


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):  # C
    list_display = ["paid", "buyer"]  # C
    date_hierarchy = "created"  # decoy: its own column
    inlines = [LineInline]  # C

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("buyer")  # C
