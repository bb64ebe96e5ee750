"""The public REST of orders: /api/orders/."""

from datetime import UTC

import django_filters
from django.core.exceptions import ValidationError
from django_filters.fields import IsoDateTimeField
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, mixins, permissions, status, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from carveout.errors import LookupFailed

from . import services
from .customers import customer_of
from .errors import InvalidOrder, KeyReused, StatusForbids
from .models import Order
from .serializers import PlaceOrderSerializer, PublicOrderSerializer

KEY_HEADER = "Idempotency-Key"
MAX_KEY_LENGTH = Order._meta.get_field("idempotency_key").max_length


class ShopUnavailable(exceptions.APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The shop's products can't be read now. Nothing was ordered; try again."
    default_code = "shop_unavailable"
    wait = 5  # seconds; becomes the Retry-After header


class Conflict(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class Unprocessable(exceptions.APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "idempotency_key_reused"


class MomentField(IsoDateTimeField):
    """A time in UTC. Refuses one that is outside of the years 1 to 9999 there."""

    def to_python(self, value):
        moment = super().to_python(value)
        try:
            return moment and moment.astimezone(UTC)
        except OverflowError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


class MomentFilter(django_filters.IsoDateTimeFilter):
    field_class = MomentField


class OrderFilter(django_filters.FilterSet):
    placed_after = MomentFilter("placed_at", "gte")
    placed_before = MomentFilter("placed_at", "lt")

    class Meta:
        model = Order
        fields = ["status"]


class OrderViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Place, list, see and cancel one's own orders. Staff see and cancel all."""

    queryset = Order.objects.prefetch_related("lines")
    serializer_class = PublicOrderSerializer
    permission_classes = [permissions.IsAuthenticated]
    filterset_class = OrderFilter
    lookup_field = "number"
    lookup_value_regex = "[A-Za-z0-9-]+"

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):  # drawing the OpenAPI schema: nobody asks
            return self.queryset.none()
        return self.queryset.visible_to(customer_of(self.request.user))

    def get_serializer_class(self):
        return PlaceOrderSerializer if self.action == "create" else PublicOrderSerializer

    @extend_schema(
        parameters=[
            OpenApiParameter(
                KEY_HEADER,
                location=OpenApiParameter.HEADER,
                description="Any text of your own; the same key again gives the same order.",
            )
        ],
        responses={
            201: PublicOrderSerializer,
            200: OpenApiResponse(PublicOrderSerializer, "This key's order, placed earlier."),
            422: OpenApiResponse(description="This key was used for an order of other things."),
            503: OpenApiResponse(description="The shop did not answer; see Retry-After."),
        },
    )
    def create(self, request):
        """Place an order."""
        wanted = self.get_serializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        order, is_new = place(request, wanted)
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(self.shown(order), status=code)

    @extend_schema(
        request=None,
        responses={
            200: PublicOrderSerializer,
            409: OpenApiResponse(description="Shipped: it can't be cancelled any more."),
        },
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request, number):
        """Cancel an order that was not shipped."""
        order = self.get_object()
        reason = services.reason_of(customer_of(request.user), order)
        try:
            order = services.cancel_order(order.number, reason)
        except StatusForbids as error:
            raise Conflict({"status": [str(error)]}) from error
        return Response(self.shown(order))

    def shown(self, order: Order) -> dict:
        return PublicOrderSerializer(order, context=self.get_serializer_context()).data


def place(request, wanted: PlaceOrderSerializer) -> tuple[Order, bool]:
    """Places it through the service, and turns the service's errors into REST's."""
    customer = customer_of(request.user)
    try:
        return services.place_order(
            customer.id,
            customer.email,
            wanted.wanted_lines(),
            phone=wanted.validated_data["phone"],
            idempotency_key=idempotency_key(request),
        )
    except InvalidOrder as error:
        raise exceptions.ValidationError(error.errors) from error
    except KeyReused as error:
        raise Unprocessable({KEY_HEADER: [str(error)]}) from error
    except LookupFailed as error:
        raise ShopUnavailable from error


def idempotency_key(request) -> str | None:
    key = request.headers.get(KEY_HEADER) or None
    if key and len(key) > MAX_KEY_LENGTH:
        raise exceptions.ValidationError({KEY_HEADER: [f"At most {MAX_KEY_LENGTH} characters."]})
    return key
