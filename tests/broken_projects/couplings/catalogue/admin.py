from django.contrib import admin

from catalogue.models import Product
from reviews.models import Review  # C


class ReviewInline(admin.TabularInline):
    model = Review


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    inlines = [ReviewInline]  # C
    autocomplete_fields = ["supplier"]  # C
    search_fields = ["name", "supplier__name"]  # C
    date_hierarchy = "supplier__created"  # C
    filter_horizontal = ["similar", "seen_by"]  # C
