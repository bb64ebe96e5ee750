"""What users need to test their own contexts: see what was published, and let it all arrive."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings as django_settings
from django.test import override_settings

from carveout import inline
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
    inline.drain()


@contextmanager
def eager_events() -> Iterator[None]:
    """What the code publishes inside the block has arrived when the code's transaction ends.

    As `CARVEOUT["DELIVERY"] = "eager"` does for all tests. Raises there what `drain` raises.
    """
    with override_settings(CARVEOUT={**django_settings.CARVEOUT, "DELIVERY": "eager"}):
        yield


class EagerEventsMixin:
    """Before a TestCase: `eager_events` around the class, its `setUpTestData` included."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.enterClassContext(eager_events())  # type: ignore[attr-defined]
        super().setUpClass()  # type: ignore[misc]
