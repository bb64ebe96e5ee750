"""Public REST of the catalogue: products, read only."""

import django_filters
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import filters, viewsets

from shop.catalogue.models import Product
from shop.catalogue.serializers import ProductSerializer


class ProductFilter(django_filters.FilterSet):
    """Filters by price range and by availability."""

    price = django_filters.RangeFilter(label="Price from `price_min` to `price_max`.")
    available = django_filters.BooleanFilter(
        field_name="stock", method="filter_available", label="Only those in stock, or out of it."
    )

    class Meta:
        model = Product
        fields = ["artist"]

    def filter_available(self, products, name, wanted):
        return products.filter(stock__gt=0) if wanted else products.filter(stock=0)


class ProductViewSet(viewsets.ReadOnlyModelViewSet):
    """The products on sale. Search by name or artist, filter by price."""

    queryset = Product.objects.all()
    serializer_class = ProductSerializer
    lookup_field = "sku"
    lookup_value_regex = "[-a-zA-Z0-9_]+"
    filter_backends = [DjangoFilterBackend, filters.SearchFilter, filters.OrderingFilter]
    filterset_class = ProductFilter
    search_fields = ["name", "artist"]
    ordering_fields = ["sku", "name", "price"]
