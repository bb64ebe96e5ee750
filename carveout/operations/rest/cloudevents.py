"""Renders events in the JSON format of CloudEvents 1.0, alone and in batches.

Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from typing import Any

import msgspec
from rest_framework.renderers import JSONRenderer

from carveout.conf.time_zones import in_utc
from carveout.events.codec import SPEC_VERSION
from carveout.models import LoggedEvent

EXTENSIONS = {
    "correlationid": "correlation_id",
    "causationid": "causation_id",
    "traceparent": "traceparent",
    "carries": "carries",
    "carried": "carried",
}
"""Our extension attributes, and the columns they come from. Extensions must be text."""


def cloud_event(row: LoggedEvent) -> dict[str, Any]:
    """What the stream's entry holds, as one object. Empty attributes are left out."""
    given = {name: getattr(row, column) for name, column in EXTENSIONS.items()}
    return {
        "specversion": SPEC_VERSION,
        "id": str(row.event_id),
        "source": f"/{row.context}",
        "type": row.type,
        **({"subject": row.key} if row.key else {}),
        "time": in_utc(row.time).isoformat(),
        "datacontenttype": "application/json",
        **{name: value for name, value in given.items() if value},
        "data": data_of(row),
    }


def data_of(row: LoggedEvent) -> Any:
    """The data; as text if somebody edited the row and it is no longer JSON."""
    try:
        return msgspec.json.decode(row.data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return row.data


class CloudEventRenderer(JSONRenderer):
    """One event."""

    media_type = "application/cloudevents+json"
    format = "cloudevent"


class CloudEventsRenderer(JSONRenderer):
    """A list of events."""

    media_type = "application/cloudevents-batch+json"
    format = "cloudevents"
