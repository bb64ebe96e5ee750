"""An SQLite file is put back, deleted, full or fought for."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import OperationalError, connections

import carveout
from carveout.consumers.consumer import Consumer
from carveout.eventlog.relay import Relay
from carveout.models import Cursor, Delivery, LoggedEvent
from tests.integration.kit import steps
from tests.integration.kit.conftest import back_up, make_tables
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.models import Ticket
from tests.integration.kit.tickets.services import announce, sell, sold

pytestmark = [
    pytest.mark.usefixtures("kit"),
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]


@pytest.fixture(autouse=True)
def ear(kit):
    @carveout.subscribe("tickets.TicketSold")
    def ear(event):
        note(event.key)


@pytest.fixture
def file(database) -> Path:
    return Path(database.removeprefix("sqlite:///"))


def run_once(worker) -> None:
    try:
        worker.run_once()
    finally:
        worker.close()


def replace(file: Path, by: Path | None) -> None:
    """Put another file in its place, or none, as operators do: with everything else running on."""
    connections["kit"].close()
    for end in ("", "-wal", "-shm"):
        Path(f"{file}{end}").unlink(missing_ok=True)
    if by:
        shutil.copy(by, file)


def test_a_file_that_was_put_back_stops_the_relay_until_there_is_an_epoch(file, tmp_path, caplog):
    announce(sold(3))
    steps.flow()
    old = back_up(tmp_path / "old.sqlite3")
    announce(sold(2, "U"))
    steps.flow()
    replace(file, by=old)
    announce(sold(1, "V"))
    run_once(Relay(["tickets"]))
    assert "it ends at position 5, the log at 4" in caplog.text
    assert "`manage.py epoch tickets`" in caplog.text
    call_command("epoch", "tickets", "--yes")
    steps.flow()
    # The effects were in the same file: they were put back as well.
    assert notes() == ["T-1", "T-2", "T-3", "V-1"]


def test_a_file_that_was_deleted_stops_the_relay_until_there_is_an_epoch(file, caplog):
    announce(sold(5))
    steps.flow()
    replace(file, by=None)
    make_tables()
    announce(sold(2, "U"))
    run_once(Relay(["tickets"]))
    assert "does not belong to its log" in caplog.text
    assert "`manage.py epoch tickets`" in caplog.text
    run_once(Consumer(["desk"]))
    assert notes() == []  # nothing of the old stream is taken for the new log's
    call_command("epoch", "tickets", "--yes")
    steps.flow()
    announce(sold(2, "V"))
    steps.flow()
    assert notes() == ["U-1", "U-2", "V-1", "V-2"]


@contextmanager
def full() -> Iterator[None]:
    """Inside the block the file can't grow: SQLite says that the disk is full."""
    with connections["kit"].cursor() as cursor:
        cursor.execute("VACUUM")
        (pages,) = cursor.execute("PRAGMA page_count").fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages}")
        yield
        cursor.execute("PRAGMA max_page_count = 1073741823")


def fill_up(act) -> None:
    """Do something until there is no room for it."""
    with pytest.raises(OperationalError, match="full"):
        for number in range(10_000):
            act(number)


def test_a_full_disk_stores_a_change_with_its_event_or_neither():
    with full():
        fill_up(lambda number: sell(f"T-{number}"))
        numbers = set(Ticket.objects.using("kit").values_list("number", flat=True))
        assert set(LoggedEvent.objects.using("kit").values_list("key", flat=True)) == numbers
    steps.flow()
    sell("U-1")
    steps.flow()
    assert sorted(notes()) == sorted([*numbers, "U-1"])


def test_a_full_disk_acknowledges_nothing_and_parks_nothing():
    announce(sold(500))
    steps.relay()
    with full(), pytest.raises(OperationalError, match="full"):
        steps.consume()
    assert notes() == []
    assert set(Cursor.objects.using("kit").values_list("position", flat=True)) <= {0}
    assert not Delivery.objects.using("kit").exists()
    steps.consume()
    assert notes() == [event.number for event in sold(500)]
