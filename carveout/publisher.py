"""Publish: rows into the log, in the caller's transaction."""

import uuid
from collections.abc import Sequence

from django.db import DatabaseError, connections, transaction
from django.dispatch import Signal
from django.utils import timezone
from rest_framework.renderers import JSONRenderer

from carveout import correlation, eager, inline, log, spans, tally
from carveout.conf import get_settings
from carveout.database import in_block_of_code, table_is_missing
from carveout.errors import InvalidEvent, NotInTransaction, NotMigrated
from carveout.event import CARRIED_BYTES_MAX, Event, cause, encode, key_of, type_name
from carveout.failpoint import reach
from carveout.lookups import offered, represent
from carveout.row import NewRow
from carveout.storable import said_by
from carveout.wake import wake_relay

event_published = Signal()
"""Sent with `event` when an event was stored; its transaction may still be rolled back."""

ROWS_PER_STATEMENT = 500


def publish(event: Event) -> uuid.UUID:
    """Announce a fact: it is stored with the caller's change, or not at all.

    Returns: the event's id.
    Raises: NotInTransaction: no transaction is open on the context's database.
            InvalidEvent: the event does not fit its declaration, or its context lives elsewhere.
            NotMigrated: the kit's tables are not there.
    """
    return publish_many([event])[0]


def publish_many(events: Sequence[Event]) -> list[uuid.UUID]:
    """Announce several facts of one context, in this order, for hardly more than the price of one.

    Returns: the events' ids.
    Raises: as `publish`, and then none of them is stored.
            InvalidEvent: they are of several contexts.
    """
    if not events:
        return []
    names = [type_name(type(event)) for event in events]
    context = _context_of(names)
    database = _database_in_transaction(names[0], context)
    rows = [_row(event, name, context) for event, name in zip(events, names, strict=True)]
    try:
        for start in range(0, len(rows), ROWS_PER_STATEMENT):
            log.append(rows[start : start + ROWS_PER_STATEMENT], database)
    except DatabaseError as error:
        if not table_is_missing(error):
            raise
        raise NotMigrated(
            f"publish({names[0]}) stored nothing: database {database!r} has no tables of Carveout"
            f" yet ({said_by(error).strip().splitlines()[0]}). Run `manage.py migrate --database"
            f" {database}`."
        ) from error
    reach("publish: stored")
    for event in events:
        event_published.send(type(event), event=event)
    _after_commit(database, context, names)
    return [row.event_id for row in rows]


def _context_of(names: Sequence[str]) -> str:
    contexts = {name.split(".")[0] for name in names}
    if len(contexts) > 1:
        raise InvalidEvent(
            f"publish_many got events of {', '.join(sorted(contexts))}. Call it once per context."
        )
    return contexts.pop()


def _database_in_transaction(name: str, context: str) -> str:
    settings = get_settings()
    if not settings.hosts(context):
        raise InvalidEvent(
            f"{name} was not stored: {context} is not hosted here; hosted are"
            f" {', '.join(settings.hosted) or 'none'}. Publish it in the deployment that hosts"
            f" {context}, or add {context!r} to CARVEOUT['HOSTED'] (or to the environment's"
            " CONTEXTS) here."
        )
    database = settings.database_of(context)
    if not in_block_of_code(connections[database]):
        raise NotInTransaction(
            f"publish({name}) outside a transaction on database {database!r}: the event could be"
            " kept and the change lost, so nothing was stored. Wrap both in"
            f" `with transaction.atomic(using={database!r}):`."
            " The transaction that a TestCase opens does not count."
        )
    return database


def _row(event: Event, name: str, context: str) -> NewRow:
    data, key = encode(event).decode(), key_of(event)
    event_id = uuid.uuid4()
    handled, belongs_to = cause.get(), correlation.current()
    traceparent = belongs_to.traceparent if belongs_to else ""
    if spans.wanted():
        with spans.publishing(name, traceparent):
            traceparent = spans.traceparent()
    return NewRow(
        event_id=event_id,
        time=timezone.now(),
        context=context,
        slot=log.slot_of(key),
        type=name,
        version=event.event_version,
        key=key,
        data=data,
        carries=event.event_carries,
        carried=_carried(event, name, key) if event.event_carries else "",
        correlation_id=belongs_to.id if belongs_to else "",
        causation_id=str(handled.id) if handled else "",
        traceparent=traceparent,
    )


def _carried(event: Event, name: str, key: str) -> str:
    of = event.event_carries
    if of not in offered:
        raise InvalidEvent(f"{name} carries {of!r}, which is no lookup of a context hosted here.")
    representation = represent(offered[of], [key]).get(key)
    if representation is None:
        raise InvalidEvent(f"{name} carries {of}, which has no {key!r} in this transaction.")
    carried: bytes = JSONRenderer().render(representation)
    if len(carried) > CARRIED_BYTES_MAX:
        raise InvalidEvent(
            f"{name} carries {of} {key!r}: {len(carried)} bytes, at most {CARRIED_BYTES_MAX} are"
            " allowed. Let subscribers look it up: leave `carries` out, or publish less of it."
        )
    return carried.decode()


def _after_commit(database: str, context: str, names: Sequence[str]) -> None:
    """Only if the transaction commits, savepoints included."""
    delivery = get_settings().delivery
    if delivery == "inline":
        transaction.on_commit(inline.deliver, using=database)
        return
    if delivery == "eager":
        eager.deliver_after(database)
        return

    handled = cause.get()

    def wake() -> None:  # no partial: Django wants a name to log if it fails
        wake_relay(context)
        if handled:
            for name in names:
                tally.count("caused", f"{handled.type} {name}")

    transaction.on_commit(wake, using=database, robust=True)
