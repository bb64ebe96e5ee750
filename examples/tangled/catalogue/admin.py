from django.contrib import admin

from catalogue.models import Product


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    list_display = ["sku", "name", "artist", "price", "stock"]
    list_filter = ["artist"]
    search_fields = ["sku", "name", "artist"]
