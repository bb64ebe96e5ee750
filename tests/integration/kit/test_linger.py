"""`linger_ms`: a subscription lets events gather before its next batch."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from types import SimpleNamespace

import pytest

import carveout
from carveout.consumers import consumer, partition
from carveout.consumers.consumer import Consumer
from tests.integration.kit import steps
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.services import announce, sold

pytestmark = [
    pytest.mark.usefixtures("kit"),
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]
LONG_MS = 60_000


def lingering(linger_ms: float) -> None:
    @carveout.subscribe("tickets.TicketSold", batch=True, linger_ms=linger_ms)
    def lingers(events):
        note(f"lingers: {' '.join(event.key for event in events)}")


def arrive(name: str) -> None:
    announce(sold(1, name))
    steps.relay()


@contextmanager
def living() -> Iterator[Consumer]:
    """A consumer as `manage.py consume` runs it, until it is stopped."""
    with closing(Consumer(["desk"])) as ours:
        ours.start()
        yield ours


def test_the_first_event_does_not_wait_and_the_next_ones_do():
    @carveout.subscribe("tickets.TicketSold")
    def at_once(event):
        note(f"at once: {event.key}")

    lingering(LONG_MS)
    with living() as ours:
        for name in "ABC":
            arrive(name)
            ours.run_once()
            assert ours.caught_up
    assert sorted(notes()) == ["at once: A-1", "at once: B-1", "at once: C-1", "lingers: A-1"]


def test_one_that_ends_by_itself_waits_for_nothing():
    lingering(LONG_MS)
    with closing(Consumer(["desk"])) as ours:
        for name in "AB":
            arrive(name)
            ours.run_once()
    assert notes() == ["lingers: A-1", "lingers: B-1"]


def test_it_goes_on_once_it_has_lingered(kit, monkeypatch):
    kit.set(BLOCK_MS=2 * LONG_MS)
    now, waited = [100.0], []
    clock = SimpleNamespace(monotonic=lambda: now[0], time=time.time)
    monkeypatch.setattr(partition, "time", clock)
    sleeping = SimpleNamespace(sleep=lambda seconds: waited.append(seconds * 1000))
    monkeypatch.setattr(consumer, "time", SimpleNamespace(**{**vars(time), **vars(sleeping)}))
    monkeypatch.setattr(consumer.streams, "wait", lambda _after, ms: waited.append(ms))
    lingering(LONG_MS)
    with living() as ours:
        for name in "ABC":
            arrive(name)
            ours.run_once()
            ours.wait()
        assert notes() == ["lingers: A-1"]
        assert waited == [LONG_MS] * 3
        now[0] += LONG_MS / 1000
        ours.run_once()
    assert notes() == ["lingers: A-1", "lingers: B-1 C-1"]


def test_a_batch_after_a_full_one_does_not_wait(kit):
    kit.set(BATCH_ROWS=4)
    lingering(LONG_MS)
    announce(sold(9))
    steps.relay()
    with living() as ours:
        assert [ours.run_once() for _ in range(4)] == [4, 4, 1, 0]
