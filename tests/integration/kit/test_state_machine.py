"""Whatever happens in whatever order, nothing is lost, doubled or out of order."""

import logging
from collections.abc import Iterable

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

import carveout
from carveout.consumers import batch, partition
from carveout.models import Cursor
from carveout.redis import keys, streams
from carveout.subscriptions import cursors
from tests.integration.kit.interruptions import Interruptions
from tests.integration.kit.state_machine import Kit, Violated
from tests.integration.kit.witness import Alarms, Ear

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

SEEDS = range(6)
"""Few examples of many seeds differ more than many of one: Hypothesis likes to vary what it has."""
SEEDS_AT_MOST = range(30)
"""For what has to be noticed, which mostly takes one or two."""
EACH = settings(
    max_examples=10,
    stateful_step_count=30,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def run(kit, valkey, monkeypatch):
    """Lets the machine run, on whatever the test broke before."""
    kit.set(BATCH_ROWS=3, STREAM_LENGTH=6)
    ear, alarms, between = Ear(), Alarms(), Interruptions()
    carveout.subscribe("tickets.TicketSold", max_attempts=1_000)(hear_with(ear))

    def run_machine(seeds: Iterable[int] = SEEDS) -> None:
        between.install(monkeypatch)
        for number in seeds:
            machine = seed(number)(lambda: Kit(client, between, ear, alarms))
            run_state_machine_as_test(machine, settings=EACH)

    with valkey.client as client:
        logging.getLogger("carveout").addHandler(alarms)
        yield run_machine
        logging.getLogger("carveout").removeHandler(alarms)


def hear_with(ear: Ear):
    def hear(event):
        ear.hear(event)

    return hear


@pytest.mark.timeout(300)
def test_nothing_is_lost_doubled_or_out_of_order_whatever_happens(run):
    run()


class TestTheMachineSees:
    """Each test takes one precaution away, and the machine has to notice."""

    def test_a_cursor_that_moves_before_its_handlers(self, run, monkeypatch):
        def handle(shares, stretch):
            names = [each.subscription.name for each in shares]
            with transaction.atomic(using="kit"):
                types = {each.subscription.name: each.types for each in shares}
                cursors.advance(types, stretch.ref, stretch.old, stretch.new, "kit")
            partition.reach("consumer: cursor moved")
            with transaction.atomic(using="kit"):
                batch._run_savepoints(shares[0], stretch, batch._Parked())
            return dict.fromkeys(names, stretch.new)

        monkeypatch.setattr(partition, "handle", handle)
        with pytest.raises(Violated, match="effects lost"):
            run(SEEDS_AT_MOST)

    def test_a_cursor_that_moves_without_comparing(self, run, monkeypatch):
        def advance(subscriptions, ref, old, new, database):
            Cursor.objects.using(database).update(position=new.position, event_id=new.event_id)

        monkeypatch.setattr(cursors, "advance", advance)
        with pytest.raises(Violated, match="effects lost, doubled"):
            run(SEEDS_AT_MOST)

    def test_a_reader_that_skips_gaps(self, run, monkeypatch, valkey):
        sound = streams.read

        def read(ref, after, limit):
            with valkey.client as client:
                following = client.xrange(keys.stream(ref), min=f"{after + 1}-0", count=1)
            first = int(following[0][0].split("-")[0]) if following else after + 1
            return sound(ref, first - 1, limit)

        monkeypatch.setattr(streams, "read", read)
        with pytest.raises(Violated, match="effects lost"):
            run(SEEDS_AT_MOST)

    def test_entries_whose_ids_redis_chooses(self, run, monkeypatch):
        sound = streams.append

        def append(ref, identity, rows, length, after):
            following = streams.last_position(ref) + 1
            renumbered = [
                row._replace(position=position) for position, row in enumerate(rows, following)
            ]
            return sound(ref, identity, renumbered, length, after)

        monkeypatch.setattr(streams, "append", append)
        with pytest.raises(Violated, match="an entry is not the row"):
            run(SEEDS_AT_MOST)
