"""Mistakes to plant into the kit, one at a time. The checker must catch each of them."""

import threading
from collections.abc import Callable, Sequence

from django.db import connections, transaction
from django.utils import timezone

from carveout import batch, cursor, entry, log, sequencer, source, stream
from carveout.batch import Reached, Share, Stretch
from carveout.connection import client
from carveout.cursor import At
from carveout.event import Place, ReceivedEvent
from carveout.models import Cursor
from carveout.row import NewRow
from carveout.sweeper import Sweeper


def event_outside_the_transaction() -> None:
    """An event is stored by a connection of its own, whatever becomes of the transaction."""

    in_the_transaction = log.append

    def store(events: Sequence[NewRow], database: str) -> None:
        with transaction.atomic(using=database):
            in_the_transaction(events, database)
        connections.close_all()

    def append(events: Sequence[NewRow], database: str) -> None:
        thread = threading.Thread(target=store, args=(events, database))
        thread.start()
        thread.join()

    log.append = append


def latest_first() -> None:
    """Of the events that wait for a position, the latest gets the first one."""
    in_order = "ORDER BY event.id) AS place"
    statement = sequencer._GIVE_POSITIONS
    assert in_order in statement
    sequencer._GIVE_POSITIONS = statement.replace(in_order, "ORDER BY event.id DESC) AS place")


def advanced(shares: Sequence[Share], stretch: Stretch) -> Reached:
    """Move all cursors to the end of a batch."""
    reached = {share.subscription.name: stretch.new for share in shares}
    batch._advance(reached, shares, stretch)
    return reached


def cursor_outside_the_transaction() -> None:
    """The handlers' transaction commits, and then the cursor moves."""

    def together(shares: Sequence[Share], stretch: Stretch) -> Reached:
        with transaction.atomic(using="audit"):
            for share in shares:
                batch._deliver(share, stretch)
        return advanced(shares, stretch)

    batch._together = together


def batch_without_a_transaction() -> None:
    """Each effect of a batch commits by itself."""

    def together(shares: Sequence[Share], stretch: Stretch) -> Reached:
        for share in shares:
            batch._deliver(share, stretch)
        return advanced(shares, stretch)

    batch._together = together


def cursor_without_comparison() -> None:
    """A cursor is set, wherever it stands."""

    def advance(names: Sequence[str], place: Place, old: At, new: At, database: str) -> None:
        cursors = Cursor.objects.using(database).filter(
            subscription__in=names, context=place[0], partition=place[1]
        )
        cursors.update(position=new.position, event_id=new.event_id, moved_at=timezone.now())

    cursor.advance = advance


def ids_that_redis_gives() -> None:
    """Whatever is shipped gets the next ID, wherever the stream ends: twice is there twice."""
    explicit = "redis.pcall('XADD', KEYS[1], unpack(entry))"
    last = "tonumber(string.match(redis.call('XINFO', 'STREAM', KEYS[1])[8], '%d+'))"
    counted = (
        "redis.pcall('XADD', KEYS[1],"
        f" (redis.call('EXISTS', KEYS[1]) == 1 and {last} or 0) + 1 .. '-0', unpack(entry, 2))"
    )
    compared = "if id ~= ARGV[6] or event ~= ARGV[7] then return -1 end"
    assert explicit in stream._APPEND
    assert compared in stream._APPEND
    stream._APPEND = stream._APPEND.replace(explicit, counted).replace(compared, "")


def no_gap_check() -> None:
    """What the stream has next is what comes next."""

    def read(self: source.StreamSource, after: At, limit: int) -> list[ReceivedEvent]:
        name = stream.key(self._place)
        reply = client().xread({name: f"{after.position}-0"}, count=limit)
        entries = reply[0][1] if reply else ()
        return [entry.event_of(self._place, at, fields) for at, fields in entries]

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
