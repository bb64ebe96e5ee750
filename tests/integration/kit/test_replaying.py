"""Replay: a cursor is moved by command, back or forth, and only where that makes sense."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

import carveout
from carveout.consumers.consumer import Consumer
from carveout.models import Cursor, LoggedEvent
from tests.integration.kit import steps
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.services import announce, sold

pytestmark = pytest.mark.usefixtures("kit")

KEYS = ["T-1", "T-2", "T-3", "T-4", "T-5"]


def replay(*arguments: object, name: str = "desk.ear") -> None:
    call_command("replay", name, *map(str, arguments))


def positions() -> list[int]:
    cursors = Cursor.objects.using("kit").order_by("context", "partition")
    return list(cursors.values_list("position", flat=True))


def prune_up_to(position: int) -> None:
    LoggedEvent.objects.using("kit").filter(position__lte=position).delete()


def listening(**options: object) -> None:
    @carveout.subscribe("tickets.TicketSold", **options)
    def ear(event):
        note(event.key)


@pytest.fixture
def heard(kit):
    """Five events were heard."""
    listening()
    announce(sold(5))
    steps.flow()
    assert notes() == KEYS


def test_from_a_position_it_hears_again(heard):
    replay("--from", 4, "--yes")
    steps.consume()
    assert notes() == [*KEYS, "T-4", "T-5"]


def test_from_a_time_it_hears_again(heard):
    noon = timezone.now().replace(microsecond=0)
    for row in LoggedEvent.objects.using("kit").all():
        LoggedEvent.objects.using("kit").filter(pk=row.pk).update(
            time=noon + timedelta(minutes=row.position)
        )
    replay("--from", (noon + timedelta(minutes=3)).isoformat(), "--yes")
    assert positions() == [2]
    replay("--from", (noon - timedelta(days=1)).isoformat(), "--yes")
    assert positions() == [0]


def test_from_a_later_position_it_skips(heard):
    announce(sold(9)[5:])
    steps.relay()
    replay("--from", 8, "--yes")
    steps.consume()
    assert notes() == [*KEYS, "T-8", "T-9"]


def test_it_says_what_it_will_do(heard, capsys):
    replay("--from", 4, "--yes")
    assert "tickets.0: from 5 to 3, 2 handled again" in capsys.readouterr().out


def test_without_a_yes_nothing_moves(heard):
    with pytest.raises(CommandError, match="Nothing was done"):
        replay("--from", 1)
    assert positions() == [5]


def test_beyond_the_head_it_stands_at_the_head(heard):
    replay("--from", 1000, "--yes")
    assert positions() == [5]
    announce(sold(6)[5:])
    steps.flow()
    assert notes() == [*KEYS, "T-6"]


def test_before_what_is_pruned_it_refuses_and_says_from_where(heard):
    prune_up_to(2)
    with pytest.raises(CommandError, match=r"begins at position 3.*Use 3 or later"):
        replay("--from", 2, "--yes")
    assert positions() == [5]
    replay("--from", 3, "--yes")
    steps.consume()
    assert notes() == [*KEYS, "T-3", "T-4", "T-5"]


def test_an_unknown_subscription_is_told_the_known_ones(heard):
    with pytest.raises(CommandError, match=r"'desk\.eye'.*Known subscriptions: desk\.ear\."):
        replay("--from", 1, "--yes", name="desk.eye")


def test_a_subscription_without_a_cursor_is_told_so(kit):
    listening()
    announce(sold(1))
    with pytest.raises(CommandError, match="no cursor"):
        replay("--from", 1, "--yes")


@pytest.mark.parametrize("start", ["0", "-1", "soon"])
def test_what_is_neither_a_position_nor_a_time_is_refused(heard, start):
    with pytest.raises(CommandError, match="neither a position from 1 nor a time"):
        replay(f"--from={start}", "--yes")


def test_only_the_partition_that_was_named(kit):
    kit.change("tickets", partitions=3)
    listening()
    announce(sold(20))
    steps.flow()
    before = positions()
    replay("--from", 1, "--of", "tickets", "--partition", 1, "--yes")
    assert positions() == [before[0], 0, before[2]]


class TestNotReplayable:
    """`replayable=False`: its effects must not happen again by accident."""

    @pytest.fixture(autouse=True)
    def heard_once(self, kit):
        listening(replayable=False)
        announce(sold(5))
        steps.flow()

    def test_is_refused(self):
        with pytest.raises(CommandError, match="replayable=False"):
            replay("--from", 1, "--yes")
        assert positions() == [5]

    def test_is_done_with_force(self):
        replay("--from", 5, "--yes", "--force")
        steps.consume()
        assert notes() == [*KEYS, "T-5"]

    def test_may_skip(self):
        announce(sold(7)[5:])
        steps.relay()
        replay("--from", 7, "--yes")
        steps.consume()
        assert notes() == [*KEYS, "T-7"]


def test_a_running_consumer_takes_notice(heard):
    running = Consumer(["desk"])
    running.run_once()
    replay("--from", 5, "--yes")
    for _ in range(3):
        running.run_once()
    running.close()
    assert notes() == [*KEYS, "T-5"]


def test_a_consumer_in_the_middle_of_a_batch_takes_notice(kit):
    """Its batch is rolled back; it does not move the cursor over the replay."""

    @carveout.subscribe("tickets.TicketSold")
    def ear(event):
        if event.key == "T-2" and not moved:
            moved.append(True)
            Cursor.objects.using("kit").update(position=3, event_id=None)  # what `replay` does
        note(event.key)

    moved: list[bool] = []
    announce(sold(5))
    steps.flow()
    assert notes() == []
    steps.consume()
    assert notes() == KEYS
    assert positions() == [5]


def test_a_parked_delivery_is_not_parked_twice(kit):
    broken = [True]
    kit.set(RETRY_BASE_S=1000)

    @carveout.subscribe("tickets.TicketSold")
    def ear(event):
        if broken:
            raise ValueError
        note(event.key)

    announce(sold(1))
    steps.flow()
    replay("--from", 1, "--yes")
    steps.consume()
    broken.clear()
    call_command("deliveries", "retry", "--all", "--yes")
    steps.consume()
    assert notes() == ["T-1"]
