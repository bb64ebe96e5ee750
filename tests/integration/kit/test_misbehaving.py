"""The promise, as a property: whatever a handler does, each event's effects are there exactly once,
or the event is parked with its own error. Nothing in between, and the consumer lives.

`make handlers` is the long form. Seeds are printed; `HANDLERS_SEED` repeats
one.
"""

import os
import random
from collections import Counter
from contextlib import suppress

import pytest
from django.core.management import call_command
from django.db import Error

import carveout
from carveout.consumers import consumer
from carveout.consumers.consumer import Consumer
from carveout.deliveries import store
from carveout.errors import CarveoutError, HandlerFailed
from carveout.models import Cursor, Delivery, LoggedEvent
from carveout.runtime import stopping
from carveout.runtime.databases import drop_all
from carveout.testing import drain
from tests.integration.kit import steps
from tests.integration.kit.conftest import connected
from tests.integration.kit.desk.models import notes
from tests.integration.kit.misbehaviour import KINDS, LIMIT_S, TAKEN, Handlers
from tests.integration.kit.tickets.events import TicketMoved
from tests.integration.kit.tickets.models import Ticket
from tests.integration.kit.tickets.services import announce

EVENTS = int(os.environ.get("HANDLERS_EVENTS", "400"))
SEED = int(os.environ.get("HANDLERS_SEED", random.randrange(10_000)))
WAYS = ("each", "batch", "ordered", "rq", "inline")
ATTEMPTS_MAX = 3
ROUNDS_MAX = 10_000
TROUBLES_MAX = 10


@pytest.fixture
def other(tmp_path):
    with connected(f"sqlite:///{tmp_path}/other.sqlite3", "other"):
        yield


@pytest.fixture
def at_once(kit, monkeypatch, other, rq_signals):
    monkeypatch.setattr(consumer, "SWEEP_EVERY_S", 0.0)
    Ticket.objects.using("kit").create(number=TAKEN, title="a number that is taken")
    return kit


def declare(way: str, handlers: Handlers) -> None:
    options = {"max_attempts": ATTEMPTS_MAX, "time_limit_s": LIMIT_S}
    if way == "batch":

        @carveout.subscribe("tickets.TicketMoved", batch=True, **options)
        def hear_many(events):
            for event in events:
                if (result := handlers.meet(event, effect_of(event))) is not None:
                    return result
            return None

        return
    options |= {"ordered": way == "ordered"} | ({"via": "rq"} if way == "rq" else {})

    @carveout.subscribe("tickets.TicketMoved", **options)
    def hear(event):
        return handlers.meet(event, effect_of(event))


def effect_of(event) -> str:
    return f"{event.key} {event.seat}"


def publish(count: int, chance: random.Random) -> list[str]:
    """Events of a few keys, in transactions of several. Returns: their effects, in order."""
    keys = max(count // 5, 1)
    events = [TicketMoved(number=f"T-{chance.randrange(keys)}", seat=at) for at in range(count)]
    at = 0
    while at < count:
        some = chance.choice([1, 3, 20, 200])
        announce(events[at : at + some])
        at += some
    return [f"{event.number} {event.seat}" for event in events]


class Living:
    """One consumer that does what `run_forever` does, and may never end."""

    def __init__(self) -> None:
        self.consumer = Consumer(["desk"])
        self.troubles = 0

    def run(self, way: str) -> None:
        idle = 0
        for _ in range(ROUNDS_MAX):
            done = self._turn()
            if way == "rq":
                before = Delivery.objects.using("kit").filter(state="queued").count()
                call_command("work", "desk", once=True, verbosity=0)
                done += before
            idle = 0 if done or runnable() else idle + 1
            if idle > 1:
                return
        raise AssertionError(f"not done after {ROUNDS_MAX} rounds: {states()}")

    def _turn(self) -> int:
        try:
            return self.consumer.run_once()
        except (Error, CarveoutError) as error:
            assert getattr(error, "retryable", True), error
            self.troubles += 1
            drop_all()
            return 1


def runnable() -> bool:
    """Is anything left that time alone brings on?"""
    rows = Delivery.objects.using("kit").exclude(state="dead")
    dead_keys = Delivery.objects.using("kit").filter(state="dead").values("key")
    ordered = Delivery.objects.using("kit").filter(attempts=0, state="waiting", key__in=dead_keys)
    return rows.exclude(pk__in=ordered).exists()


def states() -> Counter[str]:
    return Counter(Delivery.objects.using("kit").values_list("state", flat=True))


def expected(effects: list[str], handlers: Handlers, way: str) -> tuple[list[str], dict[str, str]]:
    """The effects that have to be there, and what is parked with which error."""
    there, parked, blocked = [], {}, set()
    for effect in effects:
        key = effect.split()[0]
        error = handlers.error_of(effect)
        if key in blocked:
            parked[effect] = ""
        elif error:
            parked[effect] = error
            if way == "ordered":
                blocked.add(key)
        else:
            there.append(effect)
    return there, parked


@pytest.mark.timeout(3_600)
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # a limit in a __del__
@pytest.mark.parametrize("way", WAYS)
def test_effects_are_there_once_or_the_event_is_parked_with_its_own_error(way, at_once, database):
    """For random handlers in random batches."""
    engine = "sqlite" if database.startswith("sqlite") else "postgres"
    chance = random.Random(f"{SEED} {way} {engine}")
    count = max(EVENTS // (len(WAYS) * 2), 10)
    at_once.set(
        BATCH_ROWS=chance.choice([7, 50, 500]), DELIVERY="inline" if way == "inline" else "streams"
    )
    without = {"interrupt"} if way == "inline" else set()
    handlers = Handlers(SEED, without=without)
    print(f"HANDLERS_SEED={SEED} {way} on {engine}, {count} events")  # noqa: T201
    declare(way, handlers)
    living = Living()
    if way == "inline":
        effects = publish(count, chance)
        for _ in range(ATTEMPTS_MAX + 2):
            Delivery.objects.using("kit").filter(state="waiting").update(attempts=0)
            with suppress(HandlerFailed):
                drain()
    else:
        with stopping.heeding():
            effects = publish(count, chance)
            steps.relay()
            living.run(way)
    living.consumer.close()
    there, parked = expected(effects, handlers, way)
    check(there, parked, handlers, way)
    assert living.troubles <= TROUBLES_MAX
    assert not LoggedEvent.objects.using("kit").filter(type="tickets.TicketReturned").exists()
    heads = set(Cursor.objects.using("kit").values_list("position", flat=True))
    assert heads == {count}


def check(there: list[str], parked: dict[str, str], handlers: Handlers, way: str) -> None:
    found = Counter(notes())
    for effect in there:
        kind = handlers.chosen(effect)[0]
        assert found.pop(f"begun {effect}", 0) == 1, (effect, kind, way)
        assert found.pop(f"done {effect}", 0) == 1, (effect, kind, way)
    assert not found, [(each, handlers.chosen(each.split(" ", 1)[1])) for each in found]
    rows = Delivery.objects.using("kit").all()
    assert {effect_of(store.event_of(row)): row.error_type for row in rows} == parked


def test_each_kind_is_tried():
    """A random test that never meets a kind proves nothing about it."""
    handlers = Handlers(1, share=1.0)
    met = {handlers.chosen(f"T-{number} 1")[0] for number in range(2_000)}
    assert met == KINDS.keys()
