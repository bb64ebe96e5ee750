"""Notes that a careful consumer left behind: nothing is lost by them, and they don't stay."""

import pytest

import carveout
from carveout.consumers import attempt_records
from carveout.consumers.batch import Stretch, SubscriptionBatch
from carveout.consumers.consumer import Consumer
from carveout.consumers.one_by_one import handle_one_by_one
from carveout.deliveries import store
from carveout.errors import CursorMoved
from carveout.eventlog import reader
from carveout.events.event import PartitionRef
from carveout.models import Cursor, Delivery
from carveout.subscriptions.cursors import CursorPosition
from carveout.subscriptions.subscription import registry
from tests.integration.kit import steps
from tests.integration.kit.desk.models import note as write
from tests.integration.kit.desk.models import notes
from tests.integration.kit.tickets.services import announce, moves, sold

PARTITION = PartitionRef("tickets", 0)


@pytest.fixture(autouse=True)
def no_waiting(kit):
    kit.set(RETRY_BASE_S=1000)


def events():
    return reader.read(*PARTITION, 0, 10)


def leave_note(position: int) -> None:
    """What stays of a consumer that dies while it tries an event carefully, if Redis forgets."""
    [subscription] = registry.values()
    attempt_records.begin_attempt(subscription, events()[position - 1])


def states() -> list[tuple[int, str, int]]:
    rows = Delivery.objects.using("kit").order_by("position")
    return list(rows.values_list("position", "state", "attempts"))


@pytest.fixture
def consume():
    """A consumer that has held the partition for a while: it has no reason to be careful."""
    consumers = []

    def run() -> None:
        if not consumers:
            consumers.append(Consumer(["desk"]))
        while consumers[0].run_once():
            pass

    yield run
    consumers[0].close()


@pytest.mark.parametrize("new", [False, True])
def test_an_event_with_a_note_is_parked_when_it_fails(new, consume):
    @carveout.subscribe("tickets.TicketSold")
    def listen(event):
        raise ValueError

    new or consume()
    announce(sold(1))
    steps.relay()
    leave_note(1)
    consume()
    assert states() == [(1, "waiting", 1)]


@pytest.mark.parametrize("new", [False, True])
def test_an_event_with_a_note_gets_its_job(new, consume):
    @carveout.subscribe("tickets.TicketSold", via="rq")
    def listen(event):
        write(event.key)

    new or consume()
    announce(sold(2))
    steps.relay()
    leave_note(1)
    consume()
    assert [state for _, state, _ in states()] == ["queued", "queued"]


def test_whoever_takes_over_goes_on_counting_though_redis_forgot():
    @carveout.subscribe("tickets.TicketSold", max_attempts=2)
    def listen(event):
        write(event.key)

    announce(sold(2))
    steps.relay()
    leave_note(1)
    leave_note(1)
    steps.consume()
    assert notes() == ["T-2"]
    assert states() == [(1, "dead", 3)]


def test_a_note_that_a_cursor_has_passed_goes_and_blocks_nothing():
    mended: list[bool] = []

    @carveout.subscribe("tickets.TicketMoved", ordered=True)
    def follow(event):
        if event.seat == 2 and not mended:
            raise ValueError
        write(event.seat)

    announce(moves("T-1", 2))
    steps.flow()
    leave_note(1)
    mended.append(True)
    store.retry(Delivery.objects.using("kit").all())
    steps.consume()
    assert notes() == ["1", "2"]
    assert states() == []


def test_a_careful_consumer_that_comes_too_late_leaves_no_note():
    @carveout.subscribe("tickets.TicketSold")
    def listen(event):
        write(event.key)

    announce(sold(1))
    steps.relay()
    Cursor.objects.using("kit").create(
        subscription="desk.listen", context="tickets", partition=0, position=1
    )
    batch = SubscriptionBatch(registry["desk.listen"], events())
    with pytest.raises(CursorMoved):
        handle_one_by_one(batch, Stretch(PARTITION, CursorPosition(0), CursorPosition(1)))
    assert states() == []
    assert notes() == []
