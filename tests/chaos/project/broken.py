"""Mistakes to plant into the kit, one at a time. The checker must catch each of them."""

import threading
from collections.abc import Callable, Sequence

from django.db import connections, transaction
from django.utils import timezone

from carveout.consumers import batch, source
from carveout.consumers.batch import Reached, Stretch, SubscriptionBatch
from carveout.deliveries.sweeper import Sweeper
from carveout.eventlog import reader, sequencer
from carveout.events import codec
from carveout.events.event import NewRecord, PartitionRef, ReceivedEvent
from carveout.models import Cursor
from carveout.redis import keys, streams
from carveout.redis.client import client
from carveout.subscriptions import cursors
from carveout.subscriptions.cursors import CursorPosition


def event_outside_the_transaction() -> None:
    """An event is stored by a connection of its own, whatever becomes of the transaction."""

    in_the_transaction = reader.append

    def store(events: Sequence[NewRecord], database: str) -> None:
        with transaction.atomic(using=database):
            in_the_transaction(events, database)
        connections.close_all()

    def append(events: Sequence[NewRecord], database: str) -> None:
        thread = threading.Thread(target=store, args=(events, database))
        thread.start()
        thread.join()

    reader.append = append


def latest_first() -> None:
    """Of the events that wait for a position, the latest gets the first one."""
    in_order = "ORDER BY event.id) AS place"
    statement = sequencer._GIVE_POSITIONS
    assert in_order in statement
    sequencer._GIVE_POSITIONS = statement.replace(in_order, "ORDER BY event.id DESC) AS place")


def advanced(batches: Sequence[SubscriptionBatch], stretch: Stretch) -> Reached:
    """Move all cursors to the end of a batch."""
    reached = {each.subscription.name: stretch.new for each in batches}
    batch._advance(reached, batches, stretch)
    return reached


def cursor_outside_the_transaction() -> None:
    """The handlers' transaction commits, and then the cursor moves."""

    def handle_all(batches: Sequence[SubscriptionBatch], stretch: Stretch) -> Reached:
        with transaction.atomic(using="audit"):
            for each in batches:
                batch._deliver(each, stretch)
        return advanced(batches, stretch)

    batch._handle_all = handle_all


def batch_without_a_transaction() -> None:
    """Each effect of a batch commits by itself."""

    def handle_all(batches: Sequence[SubscriptionBatch], stretch: Stretch) -> Reached:
        for each in batches:
            batch._deliver(each, stretch)
        return advanced(batches, stretch)

    batch._handle_all = handle_all


def cursor_without_comparison() -> None:
    """A cursor is set, wherever it stands."""

    def advance(
        names: Sequence[str],
        ref: PartitionRef,
        old: CursorPosition,
        new: CursorPosition,
        database: str,
    ) -> None:
        cursors = Cursor.objects.using(database).filter(
            subscription__in=names, context=ref.context, partition=ref.number
        )
        cursors.update(position=new.position, event_id=new.event_id, moved_at=timezone.now())

    cursors.advance = advance


def ids_that_redis_gives() -> None:
    """Whatever is shipped gets the next ID, wherever the stream ends: twice is there twice."""
    explicit = "redis.pcall('XADD', KEYS[1], unpack(entry))"
    last = "tonumber(string.match(redis.call('XINFO', 'STREAM', KEYS[1])[8], '%d+'))"
    counted = (
        "redis.pcall('XADD', KEYS[1],"
        f" (redis.call('EXISTS', KEYS[1]) == 1 and {last} or 0) + 1 .. '-0', unpack(entry, 2))"
    )
    compared = "if id ~= ARGV[6] or event ~= ARGV[7] then return -1 end"
    assert explicit in streams._APPEND
    assert compared in streams._APPEND
    streams._APPEND = streams._APPEND.replace(explicit, counted).replace(compared, "")


def no_gap_check() -> None:
    """What the stream has next is what comes next."""

    def read(self: source.StreamSource, after: CursorPosition, limit: int) -> list[ReceivedEvent]:
        name = keys.stream(self._ref)
        reply = client().xread({name: f"{after.position}-0"}, count=limit)
        entries = reply[0][1] if reply else ()
        return [codec.from_entry(self._ref, at, fields) for at, fields in entries]

    source.StreamSource.read = read


def no_sweeper() -> None:
    """A job that Redis loses is lost."""
    Sweeper.run_once = lambda _: 0


MISTAKES: dict[str, Callable[[], None]] = {
    mistake.__name__: mistake
    for mistake in (
        event_outside_the_transaction,
        latest_first,
        cursor_outside_the_transaction,
        batch_without_a_transaction,
        cursor_without_comparison,
        ids_that_redis_gives,
        no_gap_check,
        no_sweeper,
    )
}


def plant(name: str) -> None:
    MISTAKES[name]()
