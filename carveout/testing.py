"""Helpers to test contexts: capture published events, and deliver them."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings as django_settings
from django.test import override_settings

from carveout.consumers import inline
from carveout.eventlog.publish import event_published
from carveout.events.event import Event
from carveout.subscriptions.copies import model


@contextmanager
def capture_events() -> Iterator[list[Event]]:
    """Collect the events that are published inside the block, in order, committed or not."""
    captured: list[Event] = []

    def remember(sender: object, event: Event, **_: object) -> None:
        captured.append(event)

    event_published.connect(remember)
    try:
        yield captured
    finally:
        event_published.disconnect(remember)


def drain() -> None:
    """Deliver all published events, and those that they cause, before returning.

    Works in tests that run in a transaction, and needs no Redis. Jobs run in this process.

    Raises: HandlerFailed: a handler raised; with its traceback. Or a subscription stayed behind,
        since a lookup is refused, unavailable or behind, or the log lacks the next event. Or an
        event was left, since its subscription is paused or not hosted here, or behind an earlier
        event of its key.
    """
    inline.drain()


@contextmanager
def eager_events() -> Iterator[None]:
    """Deliver events published inside the block when the code's own transaction ends.

    `CARVEOUT["DELIVERY"] = "eager"` does the same for all tests. Raises there what `drain` raises.
    """
    with override_settings(CARVEOUT={**django_settings.CARVEOUT, "DELIVERY": "eager"}):
        yield


@contextmanager
def writable_copies() -> Iterator[None]:
    """Allow rows of own copies to be saved and deleted inside the block."""
    with model.writable():
        yield


class EagerEventsMixin:
    """A base class before TestCase: `eager_events` around the class and its `setUpTestData`."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.enterClassContext(eager_events())  # type: ignore[attr-defined]
        super().setUpClass()  # type: ignore[misc]
