"""Describes the kit's REST to drf-spectacular, for projects that use it."""

from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.urls import URLPattern, path, reverse
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
    OpenApiViewExtension,
)
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_serializer,
    extend_schema_view,
)
from drf_spectacular.views import SpectacularAPIView
from rest_framework import serializers

from carveout.conf import get_settings
from carveout.eventlog.views import EVENTS_MAX, EventsView
from carveout.lookups.authentication import IsContextOrStaff, StaffAuthentication
from carveout.lookups.pinned_views import PinnedView
from carveout.lookups.provider import KEYS_PER_REQUEST, ROWS_PER_PAGE, providers
from carveout.operations.rest.cloudevents import CloudEventRenderer, CloudEventsRenderer
from carveout.operations.rest.deliveries import (
    DeliveryPageSerializer,
    DeliverySerializer,
    RetriedSerializer,
    RetrySerializer,
)
from carveout.operations.rest.events import EventPageSerializer, EventSerializer
from carveout.operations.rest.parameters import DeliveryQuery, EventQuery
from carveout.operations.rest.subscriptions import SubscriptionSerializer

Schema = dict[str, Any]
JSON = "application/json"
TEXT: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
CLOUD_EVENT: Schema = {
    "type": "object",
    "required": ["specversion", "id", "source", "type"],
    "properties": dict.fromkeys(("specversion", "id", "source", "type", "subject"), TEXT)
    | {"time": {**TEXT, "format": "date-time"}, "data": {}},
    "additionalProperties": TEXT,
}
HISTORY: Schema = {
    "type": "object",
    "properties": {
        "identity": TEXT,
        **dict.fromkeys(("first", "head", "partitions", "before"), INTEGER),
        "events": {"type": "array", "items": {"type": "object", "additionalProperties": {}}},
    },
}
GONE = {404: OpenApiResponse(description="It was not found here.")}
REFUSED = {400: OpenApiResponse(description="A parameter is not valid.")}


# -- Authentication ----------------------------------------------------------------------------


class ContextTokenScheme(OpenApiAuthenticationExtension):
    """The token that one context signs for each request to another."""

    target_class = "carveout.lookups.authentication.ContextTokenAuthentication"
    name = "contextToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> Schema:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class StaffScheme(OpenApiAuthenticationExtension):
    """The session of the admin."""

    target_class = "carveout.lookups.authentication.StaffAuthentication"
    name = "staffSession"

    def get_security_definition(self, auto_schema: AutoSchema) -> Schema:
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}


# -- The browsable REST ------------------------------------------------------------------------


class EventViews(OpenApiViewExtension):
    target_class = "carveout.operations.rest.events.EventViewSet"

    def view_replacement(self) -> Any:
        batch = {"type": "array", "items": CLOUD_EVENT}
        page = {(200, JSON): EventPageSerializer, (200, CloudEventsRenderer.media_type): batch}
        one = {(200, JSON): EventSerializer, (200, CloudEventRenderer.media_type): CLOUD_EVENT}
        return extend_schema_view(
            list=extend_schema(parameters=[EventQuery], responses={**page, **REFUSED}),
            retrieve=extend_schema(responses={**one, **GONE}),
        )(self.target)


class IndexViews(OpenApiViewExtension):
    target_class = "carveout.operations.rest.index.IndexViewSet"

    def view_replacement(self) -> Any:
        urls = {"type": "object", "additionalProperties": {**TEXT, "format": "uri"}}
        return extend_schema_view(list=extend_schema(responses={200: urls}))(self.target)


class SubscriptionViews(OpenApiViewExtension):
    target_class = "carveout.operations.rest.subscriptions.SubscriptionViewSet"

    def view_replacement(self) -> Any:
        return extend_schema_view(
            list=extend_schema(responses=SubscriptionSerializer(many=True)),
            retrieve=extend_schema(responses={200: SubscriptionSerializer, **GONE}),
        )(self.target)


class DeliveryViews(OpenApiViewExtension):
    target_class = "carveout.operations.rest.deliveries.DeliveryViewSet"

    def view_replacement(self) -> Any:
        page = {200: DeliveryPageSerializer, **REFUSED}
        retried = {200: RetriedSerializer, **REFUSED, **GONE}
        return extend_schema_view(
            list=extend_schema(parameters=[DeliveryQuery], responses=page),
            retrieve=extend_schema(responses={200: DeliverySerializer, **REFUSED, **GONE}),
            retry=extend_schema(request=RetrySerializer, responses=retried),
        )(self.target)


# -- The internal REST -------------------------------------------------------------------------


@extend_schema_serializer(many=False)
class Answer(serializers.Serializer[Any]):
    """A lookup's answer: an object for each known key."""

    of: type[serializers.Serializer[Any]]


class AnswerScheme(OpenApiSerializerExtension):
    target_class = "carveout.operations.rest.openapi.Answer"
    match_subclasses = True

    def get_name(self, auto_schema: AutoSchema, direction: Any) -> str:
        return type(self.target).__name__

    def map_serializer(self, auto_schema: AutoSchema, direction: Any) -> Schema:
        component = auto_schema.resolve_serializer(self.target.of, direction)
        return {"type": "object", "additionalProperties": component.ref}


class LookupViews(OpenApiViewExtension):
    target_class = "carveout.lookups.provider.LookupViewSet"
    match_subclasses = True

    def view_replacement(self) -> Any:
        view = self.target
        answer = type(f"{view.__name__}Answer", (Answer,), {"of": view.serializer_class})
        behind = {
            425: OpenApiResponse(TEXT, description="The event of `seen` has not arrived here yet.")
        }
        return extend_schema_view(
            list=extend_schema(
                operation_id=view.lookup_name.replace(".", "_"),
                parameters=LOOKUP_PARAMETERS,
                responses={200: answer, **REFUSED, **behind},
            )
        )(view)


LOOKUP_PARAMETERS = [
    OpenApiParameter(
        "key", {"type": "array", "items": TEXT, "minItems": 1, "maxItems": KEYS_PER_REQUEST},
        description="Keys of the objects; required without `after`.",
    ),
    OpenApiParameter(
        "after", TEXT, description="A page instead: the objects after this key, in its order."
    ),
    OpenApiParameter(
        "limit", {**INTEGER, "minimum": 1, "maximum": ROWS_PER_PAGE},
        description="Objects in a page.",
    ),
    OpenApiParameter("primary", TEXT, description="Read the database of the owner's log."),
    OpenApiParameter("fields", TEXT, description="Only these fields, separated by commas."),
    OpenApiParameter("seen", TEXT, description="partition.position: answer nothing older."),
]  # fmt: skip


class EventsOfALog(OpenApiViewExtension):
    target_class = "carveout.eventlog.views.EventsView"

    def view_replacement(self) -> Any:
        number = {**INTEGER, "minimum": 0}
        gone = {410: OpenApiResponse(TEXT, description="Those events were pruned.")}
        parameters = [
            OpenApiParameter("after", number, description="The position before the first event."),
            OpenApiParameter(
                "limit", number, description=f"Number of events, at most {EVENTS_MAX}."
            ),
            OpenApiParameter("since", OpenApiTypes.DATETIME, description="Add `before` for this."),
            OpenApiParameter("owner", TEXT, OpenApiParameter.PATH),
        ]
        responses: dict[Any, Any] = {(200, JSON): HISTORY, **REFUSED, **GONE, **gone}
        decorate: Callable[[Any], Any] = extend_schema(parameters=parameters, responses=responses)
        return extend_schema_view(get=decorate)(self.target)


class InternalGenerator(SchemaGenerator):
    """Lists a path for each lookup; for Django they are all one."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{**options, "patterns": _patterns()})  # type: ignore[no-untyped-call]


class InternalSchemaView(PinnedView, SpectacularAPIView):
    """The OpenAPI document of the internal REST, for staff who may view events."""

    renderer_classes = SpectacularAPIView.renderer_classes
    permission = "carveout.view_loggedevent"
    authentication_classes = [StaffAuthentication]
    permission_classes = [IsContextOrStaff]
    generator_class = InternalGenerator
    custom_settings = {
        "TITLE": "Internal REST",
        "DESCRIPTION": "What contexts look up from each other, and their logs.",
        "PREPROCESSING_HOOKS": [],
        "SCHEMA_PATH_PREFIX": "",
    }


def _patterns() -> list[URLPattern]:
    mounted = reverse("carveout:schema").removesuffix("schema/").lstrip("/")
    here = {name: view for name, view in providers.items() if _is_hosted(name)}
    found = [
        path(f"{mounted}lookups/{name}/", cast("Any", view).as_view({"get": "list"}))
        for name, view in sorted(here.items())
    ]
    events = path(f"{mounted}events/<slug:owner>/<int:partition>/", EventsView.as_view())
    return [*found, events]


def _is_hosted(lookup: str) -> bool:
    return get_settings().hosts(lookup.split(".")[0])
