"""Entries: an event as the fields of a stream's entry, and back."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from carveout.event import Place, ReceivedEvent

SPEC_VERSION = "1.0"

UNREADABLE = (KeyError, ValueError, RecursionError, msgspec.MsgspecError)
"""What `event_of` raises: a field is missing, is not what it should be, or is nested too deep."""

_object = msgspec.json.Decoder(dict[str, Any])


def position_of(entry_id: bytes | str) -> int:
    """The position in an entry's ID, `<position>-0`."""
    text = entry_id.decode() if isinstance(entry_id, bytes) else entry_id
    return int(text.split("-")[0])


def fields_of(event: ReceivedEvent) -> list[str | bytes]:
    """CloudEvents attributes, then ours.

    Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
    """
    attributes: dict[str, str | bytes] = {
        "specversion": SPEC_VERSION,
        "id": str(event.id),
        "source": f"/{event.context}",
        "type": event.type,
        "subject": event.key,
        "time": event.time.isoformat(),
        "datacontenttype": "application/json",
        "data": msgspec.json.encode(event.data),
        "correlationid": event.correlation_id,
        "causationid": event.causation_id,
        "traceparent": event.traceparent,
        "carries": event.carries,
        "carried": msgspec.json.encode(event.carried) if event.carried is not None else b"",
    }
    return [part for pair in attributes.items() if pair[1] for part in pair]


def event_of(place: Place, entry_id: bytes, fields: dict[bytes, bytes]) -> ReceivedEvent:
    """The event in an entry. Raises: one of UNREADABLE: it is none."""

    def text(name: bytes) -> str:
        return fields.get(name, b"").decode()

    carried = fields.get(b"carried")
    return ReceivedEvent(
        id=UUID(text(b"id")),
        type=text(b"type"),
        context=place[0],
        partition=place[1],
        position=position_of(entry_id),
        key=text(b"subject"),
        time=datetime.fromisoformat(text(b"time")),
        data=_object.decode(fields[b"data"]),
        correlation_id=text(b"correlationid"),
        causation_id=text(b"causationid"),
        traceparent=text(b"traceparent"),
        carries=text(b"carries"),
        carried=_object.decode(carried) if carried else None,
    )
