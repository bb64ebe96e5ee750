from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import Count

from accounts.models import Customer


@admin.register(Customer)
class CustomerAdmin(UserAdmin):
    list_display = ["username", "email", "first_name", "is_staff", "placed"]

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(placed=Count("orders"))

    @admin.display(description="orders", ordering="placed")
    def placed(self, customer) -> int:
        return customer.placed
