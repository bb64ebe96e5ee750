"""Entries: an event as the fields of a stream's entry, and back."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings

from carveout.event import ENTRY_BYTES_MAX, Place, ReceivedEvent
from carveout.inbound import POSITION_MAX
from carveout.moment import in_utc, native
from carveout.row import Row
from carveout.upcaster import newest, newest_data

SPEC_VERSION = "1.0"

UNREADABLE = (KeyError, ValueError, RecursionError, msgspec.MsgspecError)
"""What `event_of` raises: a field is missing, is not what it should be, is nested too deep, or all
of them are larger than an event can be. Also if the entry is of another context or partition."""

_object = msgspec.json.Decoder(dict[str, Any])


def position_of(entry_id: bytes) -> int:
    """The position in an entry's ID, `<position>-0`; Redis allows larger ones than columns do."""
    return min(int(entry_id.partition(b"-")[0]), POSITION_MAX)


def fields_of(place: Place, row: Row) -> list[str]:
    """CloudEvents attributes, then ours. What is empty is left out, and so is version 1.

    The data are of the newest version that is known here.

    Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
    """
    version, data = newest_data(row.type, row.version, row.data)
    fields = [
        *("specversion", SPEC_VERSION),
        *("id", row.event_id),
        *("source", f"/{place[0]}"),
        *("type", row.type),
        *("subject", row.key),
        *("time", _sent(row.time)),
        *("datacontenttype", "application/json"),
        *("data", data),
        *("partition", str(place[1])),
    ]
    for name, value in (
        ("correlationid", row.correlation_id or row.event_id),
        ("causationid", row.causation_id),
        ("traceparent", row.traceparent),
        ("carries", row.carries),
        ("carried", row.carried),
    ):
        if value:
            fields += (name, value)
    if version != 1:
        fields += ("dataversion", str(version))
    return fields


def _sent(time: str) -> str:
    """With its offset: without USE_TZ, SQLite has only what the clock on the wall showed."""
    return time if settings.USE_TZ else in_utc(datetime.fromisoformat(time)).isoformat()


def event_of(place: Place, entry_id: bytes, fields: dict[bytes, bytes]) -> ReceivedEvent:
    """The event in an entry, in the newest version. Raises: one of UNREADABLE: it is none."""
    _check_place(place, entry_id, fields)
    given, carried = fields.get, fields.get(b"carried")
    event = ReceivedEvent(
        id=msgspec.convert(fields[b"id"].decode(), UUID),
        type=fields[b"type"].decode(),
        context=place[0],
        partition=place[1],
        position=position_of(entry_id),
        key=given(b"subject", b"").decode(),
        time=native(datetime.fromisoformat(fields[b"time"].decode())),
        data=_object.decode(fields[b"data"]),
        carries=given(b"carries", b"").decode(),
        carried=_object.decode(carried) if carried else None,
        correlation_id=given(b"correlationid", b"").decode(),
        causation_id=given(b"causationid", b"").decode(),
        traceparent=given(b"traceparent", b"").decode(),
        version=int(given(b"dataversion", 1)),
    )
    return newest(event)


def _check_place(place: Place, entry_id: bytes, fields: dict[bytes, bytes]) -> None:
    """Entries that releases of before added name no partition."""
    source, partition = f"/{place[0]}".encode(), str(place[1]).encode()
    here = fields[b"source"] == source and fields.get(b"partition", partition) == partition
    if not here or not entry_id.endswith(b"-0"):
        raise ValueError("it is no entry of this stream")
    if sum(map(len, fields.values())) > ENTRY_BYTES_MAX:
        raise ValueError(f"it is larger than {ENTRY_BYTES_MAX} bytes")


def received(place: Place, row: Row) -> ReceivedEvent:
    """A row as subscribers get it, in the newest version.

    Raises: one of UNREADABLE: it holds no event.
    """
    event = ReceivedEvent(
        id=msgspec.convert(row.event_id, UUID),
        type=row.type,
        context=place[0],
        partition=place[1],
        position=row.position,
        key=row.key,
        time=native(datetime.fromisoformat(row.time)),
        data=msgspec.json.decode(row.data),
        carries=row.carries,
        carried=msgspec.json.decode(row.carried) if row.carried else None,
        correlation_id=row.correlation_id or row.event_id,
        causation_id=row.causation_id,
        traceparent=row.traceparent,
        version=row.version,
    )
    return newest(event)
