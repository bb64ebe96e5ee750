"""Converts events to the fields of stream entries, and back."""

from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings

from carveout.conf.time_zones import in_utc, native
from carveout.events.event import ENTRY_BYTES_MAX, POSITION_MAX, PartitionRef, ReceivedEvent, Record
from carveout.events.upcasters import upcast_event, upcast_json

SPEC_VERSION = "1.0"

UNREADABLE = (KeyError, ValueError, RecursionError, msgspec.MsgspecError)
"""Errors of `from_entry`: a field is missing, invalid or nested too deeply, or the entry is
larger than an event can be, or belongs to another context or partition."""

_object = msgspec.json.Decoder(dict[str, Any])


def position_of(entry_id: bytes) -> int:
    """The position in an entry's ID, `<position>-0`; Redis allows larger ones than columns do."""
    return min(int(entry_id.partition(b"-")[0]), POSITION_MAX)


def to_entry(ref: PartitionRef, row: Record) -> list[str]:
    """Attributes of CloudEvents, then Carveout's. Empty ones and version 1 are left out.

    The data have the newest version known here.

    Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
    """
    version, data = upcast_json(row.type, row.version, row.data)
    fields = [
        *("specversion", SPEC_VERSION),
        *("id", row.event_id),
        *("source", f"/{ref.context}"),
        *("type", row.type),
        *("subject", row.key),
        *("time", _sent(row.time)),
        *("datacontenttype", "application/json"),
        *("data", data),
        *("partition", str(ref.number)),
    ]
    for name, value in (
        ("correlationid", row.correlation_id or row.event_id),
        ("causationid", row.causation_id),
        ("traceparent", row.traceparent),
        ("seam", row.seam),
        ("carries", row.carries),
        ("carried", row.carried),
    ):
        if value:
            fields += (name, value)
    if version != 1:
        fields += ("dataversion", str(version))
    return fields


def _sent(time: str) -> str:
    """The time with its offset: without USE_TZ, SQLite stores only local time."""
    return time if settings.USE_TZ else in_utc(datetime.fromisoformat(time)).isoformat()


def from_entry(ref: PartitionRef, entry_id: bytes, fields: dict[bytes, bytes]) -> ReceivedEvent:
    """Decode an entry, upcast to the newest version. Raises: one of UNREADABLE: not an event."""
    _check_partition(ref, entry_id, fields)
    given, carried = fields.get, fields.get(b"carried")
    event = ReceivedEvent(
        id=msgspec.convert(fields[b"id"].decode(), UUID),
        type=fields[b"type"].decode(),
        context=ref.context,
        partition=ref.number,
        position=position_of(entry_id),
        key=given(b"subject", b"").decode(),
        time=native(datetime.fromisoformat(fields[b"time"].decode())),
        data=_object.decode(fields[b"data"]),
        carries=given(b"carries", b"").decode(),
        carried=_object.decode(carried) if carried else None,
        correlation_id=given(b"correlationid", b"").decode(),
        causation_id=given(b"causationid", b"").decode(),
        traceparent=given(b"traceparent", b"").decode(),
        seam=given(b"seam", b"").decode(),
        version=int(given(b"dataversion", 1)),
    )
    return upcast_event(event)


def _check_partition(ref: PartitionRef, entry_id: bytes, fields: dict[bytes, bytes]) -> None:
    """Raises: ValueError: not an entry of this partition, which older releases did not write."""
    source, partition = _encoded(ref)
    here = fields[b"source"] == source and fields.get(b"partition", partition) == partition
    if not here or not entry_id.endswith(b"-0"):
        raise ValueError("it is not an entry of this stream")
    if sum(map(len, fields.values())) > ENTRY_BYTES_MAX:
        raise ValueError(f"it is larger than {ENTRY_BYTES_MAX} bytes")


@lru_cache(maxsize=1_000)
def _encoded(ref: PartitionRef) -> tuple[bytes, bytes]:
    return f"/{ref.context}".encode(), str(ref.number).encode()


def from_record(ref: PartitionRef, row: Record) -> ReceivedEvent:
    """A row as a received event, in the newest version.

    Raises: one of UNREADABLE: it does not hold an event.
    """
    event = ReceivedEvent(
        id=msgspec.convert(row.event_id, UUID),
        type=row.type,
        context=ref.context,
        partition=ref.number,
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
        seam=row.seam,
    )
    return upcast_event(event)
