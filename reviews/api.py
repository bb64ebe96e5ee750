"""REST: approved reviews for everybody, a customer's own for the customer, all for staff."""

from django.db.models import Q
from django_filters import BooleanFilter, FilterSet
from rest_framework import exceptions, permissions, status, viewsets

from reviews import services
from reviews.models import Review, VerifiedCustomer
from reviews.serializers import (
    ReviewChangeSerializer,
    ReviewSerializer,
    VerifiedCustomerSerializer,
)


class AlreadyReviewed(exceptions.ValidationError):
    """A second review of one product; the first one stays."""

    status_code = status.HTTP_409_CONFLICT


class ReviewFilter(FilterSet):
    verified = BooleanFilter(label="The writer bought the product here")

    class Meta:
        model = Review
        fields = ["sku", "rating", "status"]


class ReviewViewSet(viewsets.ModelViewSet):
    """What customers think of products. New and changed reviews wait until somebody read them."""

    queryset = Review.objects.with_verified()
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]
    filterset_class = ReviewFilter
    http_method_names = ["get", "head", "options", "post", "patch", "delete"]

    def get_serializer_class(self):
        return ReviewChangeSerializer if self.action == "partial_update" else ReviewSerializer

    def get_queryset(self):
        rows = super().get_queryset()
        own = Q(customer_id=str(self.request.user.pk or ""))
        if self.request.method not in permissions.SAFE_METHODS:
            return rows.filter(own)  # staff decide in the admin; nobody edits another's text
        if self.request.user.is_staff:
            return rows
        return rows.filter(own | Q(status=Review.Status.APPROVED))

    def perform_create(self, serializer):
        try:
            review = services.write_review(self.request.user, **serializer.validated_data)
        except services.AlreadyReviewed as error:
            raise AlreadyReviewed({"sku": [str(error)]}) from error
        serializer.instance = self.queryset.get(pk=review.pk)

    def perform_update(self, serializer):
        services.rewrite_review(serializer.instance, **serializer.validated_data)


class VerifiedCustomerViewSet(viewsets.ReadOnlyModelViewSet):
    """Who is a verified customer of what: one's own, all for staff."""

    queryset = VerifiedCustomer.objects.with_order()
    serializer_class = VerifiedCustomerSerializer
    permission_classes = [permissions.IsAuthenticated]
    filterset_fields = ["sku", "customer_id"]

    def get_queryset(self):
        rows = super().get_queryset()
        user = self.request.user
        return rows if user.is_staff else rows.filter(customer_id=str(user.pk or ""))
