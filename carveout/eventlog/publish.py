"""Publishes events: stores them in the log, in the caller's transaction."""

import uuid
from collections.abc import Sequence

from django.db import DatabaseError, connections, transaction
from django.dispatch import Signal
from django.utils import timezone
from django.utils.module_loading import import_string
from rest_framework.renderers import JSONRenderer

from carveout.conf import get_settings
from carveout.errors import InvalidEvent, NotInTransaction, NotMigrated
from carveout.eventlog import reader
from carveout.events.event import (
    CARRIED_BYTES_MAX,
    Event,
    NewRecord,
    current_event,
    encode,
    key_of,
    type_name,
)
from carveout.lookups.provider import providers, serialize
from carveout.redis.wakeups import notify_relay
from carveout.runtime.databases import in_block_of_code, table_is_missing
from carveout.runtime.failpoints import reach
from carveout.runtime.storable_text import said_by
from carveout.telemetry import correlation, instrumentation, spans

event_published = Signal()
"""Sent with `event` when an event was stored; its transaction may still be rolled back."""

ROWS_PER_STATEMENT = 500
IN_PROCESS = {
    "inline": "carveout.consumers.inline.deliver_on_commit",
    "eager": "carveout.consumers.eager.deliver_after",
}
"""Modules that deliver without a relay, by CARVEOUT["DELIVERY"]. For tests only."""


def publish(event: Event) -> uuid.UUID:
    """Publish an event: it is stored with the caller's change, or not at all.

    Returns: the event's id.
    Raises: NotInTransaction: no transaction is open on the context's database.
            InvalidEvent: the event does not fit its declaration, or its context lives elsewhere.
            NotMigrated: the database has no Carveout tables.
    """
    return publish_many([event])[0]


def publish_many(events: Sequence[Event]) -> list[uuid.UUID]:
    """Publish several events of one context, in this order, at little more than the cost of one.

    Returns: the events' ids.
    Raises: as `publish`, and then none of them is stored.
            InvalidEvent: they are of several contexts.
    """
    return store(events)


def store(events: Sequence[Event], seam: str = "") -> list[uuid.UUID]:
    """As `publish_many`. seam: only subscriptions of this seam handle the events."""
    if not events:
        return []
    names = [type_name(type(event)) for event in events]
    context = _context_of(names)
    database = _database_in_transaction(names[0], context)
    rows = [_row(event, name, context, seam) for event, name in zip(events, names, strict=True)]
    try:
        for start in range(0, len(rows), ROWS_PER_STATEMENT):
            reader.append(rows[start : start + ROWS_PER_STATEMENT], database)
    except DatabaseError as error:
        if not table_is_missing(error):
            raise
        raise NotMigrated(
            f"publish({names[0]}) stored nothing: database {database!r} has no Carveout tables"
            f" yet ({said_by(error).strip().splitlines()[0]}). Run `manage.py migrate --database"
            f" {database}`."
        ) from error
    reach("publish: stored")
    for event in events:
        event_published.send(type(event), event=event)
    wake_after_commit(database, context, names)
    return [row.event_id for row in rows]


def _context_of(names: Sequence[str]) -> str:
    contexts = {name.split(".")[0] for name in names}
    if len(contexts) > 1:
        raise InvalidEvent(
            f"publish_many got events of several contexts ({', '.join(sorted(contexts))})."
            " Call it once per context."
        )
    return contexts.pop()


def _database_in_transaction(name: str, context: str) -> str:
    settings = get_settings()
    if not settings.hosts(context):
        raise InvalidEvent(
            f"{name} was not stored: {context} is not hosted here; hosted contexts:"
            f" {', '.join(settings.hosted) or 'none'}. Publish it in the deployment that hosts"
            f" {context}, or add {context!r} to CARVEOUT['HOSTED'] (or to the environment's"
            " CONTEXTS) here."
        )
    database = settings.database_of(context)
    if not in_block_of_code(connections[database]):
        raise NotInTransaction(
            f"publish({name}) was called outside a transaction on database {database!r}: the event"
            " could be stored and the change lost, so nothing was stored. Wrap both in"
            f" `with transaction.atomic(using={database!r}):`."
            " The transaction that a TestCase opens does not count."
        )
    return database


def _row(event: Event, name: str, context: str, seam: str) -> NewRecord:
    data, key = encode(event).decode(), key_of(event)
    event_id = uuid.uuid4()
    handled, belongs_to = current_event.get(), correlation.current()
    traceparent = belongs_to.traceparent if belongs_to else ""
    if spans.wanted():
        with spans.publishing(name, traceparent):
            traceparent = spans.traceparent()
    return NewRecord(
        event_id=event_id,
        time=timezone.now(),
        context=context,
        type=name,
        version=event.event_version,
        key=key,
        data=data,
        carries=event.event_carries,
        carried=_carried(event, name, key) if event.event_carries else "",
        correlation_id=belongs_to.id if belongs_to else "",
        causation_id=str(handled.id) if handled else "",
        traceparent=traceparent,
        seam=seam,
    )


def _carried(event: Event, name: str, key: str) -> str:
    of = event.event_carries
    if of not in providers:
        raise InvalidEvent(
            f"{name} carries {of!r}, which is not a lookup of a context hosted here."
        )
    representation = serialize(providers[of], [key]).get(key)
    if representation is None:
        raise InvalidEvent(f"{name} carries {of}, which has no {key!r} in this transaction.")
    carried: bytes = JSONRenderer().render(representation)
    if len(carried) > CARRIED_BYTES_MAX:
        raise InvalidEvent(
            f"{name} carries {of} {key!r}: {len(carried)} bytes, at most {CARRIED_BYTES_MAX} are"
            " allowed. Let subscribers look it up: leave `carries` out, or publish less of it."
        )
    return carried.decode()


def wake_after_commit(database: str, context: str, names: Sequence[str] = ()) -> None:
    """Wake the relay, only if the transaction commits, savepoints included.

    names: the full names of its events, as far as they are known.
    """
    if in_process := IN_PROCESS.get(get_settings().delivery):
        import_string(in_process)(database)
        return

    handled = current_event.get()

    def wake() -> None:  # not a partial: Django logs the function's name if it fails
        notify_relay(context)
        instrumentation.published(names, cause=handled)

    transaction.on_commit(wake, using=database, robust=True)
