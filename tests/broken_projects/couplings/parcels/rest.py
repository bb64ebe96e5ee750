from rest_framework import serializers, viewsets

from parcels.models import Parcel


class ParcelSerializer(serializers.ModelSerializer):
    paid = serializers.BooleanField(source="order.paid")  # decoy: over our own relation
    buyer = serializers.CharField(source="order.buyer.phone")  # C
    other = serializers.CharField(source="get_other")  # decoy

    class Meta:
        model = Parcel
        fields = ["paid", "buyer"]


class Parcels(viewsets.ModelViewSet):
    queryset = Parcel.objects.all()
    filterset_fields = {"order__buyer": ["exact"], "order__paid": ["exact"], "sent": ["exact"]}  # C
    search_fields = ["^order__buyer__phone"]  # C
    ordering_fields = ["sent"]
    lookup_field = "order__pk"  # decoy: its own column
