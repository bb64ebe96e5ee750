"""What users need to test their own contexts: see what was published, and let it all arrive."""

from collections.abc import Iterator
from contextlib import contextmanager

from carveout import inline, leftover
from carveout.errors import HandlerFailed
from carveout.event import Event
from carveout.publisher import event_published


@contextmanager
def capture_events() -> Iterator[list[Event]]:
    """The events that are published inside the block, in order, committed or not."""
    captured: list[Event] = []

    def remember(sender: object, event: Event, **_: object) -> None:
        captured.append(event)

    event_published.connect(remember)
    try:
        yield captured
    finally:
        event_published.disconnect(remember)


def drain() -> None:
    """Deliver everything that was published, and what that causes, here and now.

    Works in tests that run in a transaction, and needs no Redis. Jobs run in place.

    Raises: HandlerFailed: a handler raised; with its traceback. Or a subscription stayed behind,
        since a lookup is refused, unavailable or behind, or the log lacks what comes next. Or an
        event was left, since its subscription is paused or not hosted here, or behind an earlier
        event of its key.
    """
    before = leftover.before()
    failed, stalled = inline.deliver()
    told = [f"{name} waits: {type(why).__name__}: {why}" for name, why in sorted(stalled.items())]
    if failed:
        told.append(f"{len(failed)} deliveries failed:")
    told += [f"{row}: {row.error_type}: {row.error}\n{row.traceback}" for row in failed]
    told += leftover.told(before, stalled)
    if told:
        raise HandlerFailed("\n".join(told)) from next(iter(stalled.values()), None)
