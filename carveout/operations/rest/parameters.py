"""Validates the parameters of requests, before any of them reaches a database."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from carveout.conf import get_settings
from carveout.models import Delivery

ID_MAX = 2**63 - 1
ROWS = 50
ROWS_MAX = 500


class PageQuery(serializers.Serializer[Any]):
    """One page of rows, the newest first."""

    context = serializers.CharField(  # type: ignore[assignment] # fields leave the class
        required=False, help_text="A context hosted here. Required if they have several databases."
    )
    before = serializers.IntegerField(
        required=False, min_value=1, max_value=ID_MAX, help_text="From the link to the next page."
    )
    limit = serializers.IntegerField(
        required=False,
        default=ROWS,
        min_value=1,
        max_value=ROWS_MAX,
        help_text="Maximum number of rows.",
    )

    def validate_context(self, name: str) -> str:
        if not get_settings().hosts(name):
            raise ValidationError(f"Hosted here: {', '.join(get_settings().hosted)}.")
        return name


class EventQuery(PageQuery):
    """Filters of events."""

    type = serializers.CharField(required=False, max_length=200)
    key = serializers.CharField(required=False, max_length=255, trim_whitespace=False)
    correlation_id = serializers.CharField(required=False, max_length=64)
    since = serializers.DateTimeField(required=False, help_text="Published at this time or later.")
    until = serializers.DateTimeField(required=False, help_text="Published before this time.")


class DeliveryQuery(PageQuery):
    """Filters of deliveries; `context` is that of their subscription."""

    subscription = serializers.CharField(required=False, max_length=200)
    state = serializers.ChoiceField(required=False, choices=Delivery.State.values)


def checked(query: type[PageQuery], request: Request) -> dict[str, Any]:
    """The parameters of a request. Raises: ValidationError: one is not valid."""
    given = query(data=request.query_params)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def database_for(context: str | None) -> str:
    """The database to query. Raises: ValidationError: there are several."""
    settings = get_settings()
    databases = settings.hosted_databases
    if context:
        return settings.database_of(context)
    if len(databases) > 1:
        raise ValidationError(
            {"context": "Name one: the contexts hosted here have several databases."}
        )
    return databases[0]
