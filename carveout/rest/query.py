"""What may be asked for: each parameter is checked before any of them meets a database."""

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
        required=False, help_text="A context hosted here. Needed if they have several databases."
    )
    before = serializers.IntegerField(
        required=False, min_value=1, max_value=ID_MAX, help_text="Of the link to the next page."
    )
    limit = serializers.IntegerField(
        required=False, default=ROWS, min_value=1, max_value=ROWS_MAX, help_text="Rows at most."
    )

    def validate_context(self, name: str) -> str:
        if not get_settings().hosts(name):
            raise ValidationError(f"Hosted are: {', '.join(get_settings().hosted)}.")
        return name


class EventQuery(PageQuery):
    """Which events."""

    type = serializers.CharField(required=False, max_length=200)
    key = serializers.CharField(required=False, max_length=255, trim_whitespace=False)
    correlation_id = serializers.CharField(required=False, max_length=64)
    since = serializers.DateTimeField(required=False, help_text="Published then or later.")
    until = serializers.DateTimeField(required=False, help_text="Published before.")


class DeliveryQuery(PageQuery):
    """Which deliveries; those of the subscriptions of the context."""

    subscription = serializers.CharField(required=False, max_length=200)
    state = serializers.ChoiceField(required=False, choices=Delivery.State.values)


def checked(query: type[PageQuery], request: Request) -> dict[str, Any]:
    """The parameters of a request. Raises: ValidationError: one is not what it should be."""
    given = query(data=request.query_params)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def database_for(context: str | None) -> str:
    """Where to look. Raises: ValidationError: there are several places."""
    settings = get_settings()
    databases = settings.hosted_databases
    if context:
        return settings.database_of(context)
    if len(databases) > 1:
        raise ValidationError({"context": "Name one: the contexts here have several databases."})
    return databases[0]
