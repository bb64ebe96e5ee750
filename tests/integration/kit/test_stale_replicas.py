"""An owner that reads its lookups from a replica which is behind: not yet, and nothing is lost."""

import shutil
from pathlib import Path

import pytest
from django.db import connections, transaction

import carveout
from carveout.errors import LookupBehind
from carveout.lookups import http
from carveout.models import Cursor, Delivery
from carveout.subscriptions.copies import filling, keeping
from tests.integration.kit import steps
from tests.integration.kit.conftest import back_up, connected
from tests.integration.kit.desk.lookups import TicketToShow
from tests.integration.kit.desk.models import Ticket as TicketCopy
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.events import TicketMoved
from tests.integration.kit.tickets.lookups import TicketLookup
from tests.integration.kit.tickets.models import Ticket
from tests.integration.kit.tickets.services import announce, sell, sold
from tests.integration.kit.web import the_contexts

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

ROUNDS = 8
"""More than a breaker would suffer."""


class Replica:
    """A copy of the database that is as old as its last `catch_up`."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def catch_up(self) -> None:
        connections["replica"].close()
        for end in ("", "-wal", "-shm"):
            Path(f"{self._file}{end}").unlink(missing_ok=True)
        shutil.move(back_up(self._file.with_suffix(".new")), self._file)


@pytest.fixture(params=["in process", "over http"])
def replica(request, kit, tmp_path, monkeypatch):
    """The database that lookups are read from."""
    kit.set(RETRY_BASE_S=0.01, LOOKUPS="http" if request.param == "over http" else "auto")
    file = tmp_path / "replica.sqlite3"
    queryset = Ticket.objects.using("replica")
    monkeypatch.setattr(TicketLookup, "queryset", queryset)
    with connected(f"sqlite:///{file}", "replica"), the_contexts() as url:
        kit.change("tickets", url=url)
        copy = Replica(file)
        sell("T-0")
        steps.relay()
        copy.catch_up()
        yield copy


def rename(number: str, title: str) -> None:
    with transaction.atomic(using="kit"):
        Ticket.objects.using("kit").filter(number=number).update(title=title)
        carveout.publish(TicketMoved(number=number, seat=1))


def listen(**options):
    @carveout.subscribe("tickets.TicketMoved", "tickets.TicketSold", **options)
    def show(event, ticket: TicketToShow):
        note(ticket.title)


def test_what_was_true_before_the_event_is_not_yet_and_burns_no_attempt(replica):
    listen()
    steps.flow()
    rename("T-0", "renamed")
    sell("T-1")
    steps.relay()
    for _ in range(ROUNDS):
        steps.consume()
    assert notes() == ["Concert T-0"]
    assert Cursor.objects.using("kit").get().position == 1
    assert not Delivery.objects.using("kit").exists()
    replica.catch_up()
    steps.until(lambda: len(notes()) == 3)
    assert notes() == ["Concert T-0", "renamed", "Concert T-1"]


def test_who_looks_nothing_up_does_not_wait(replica):
    listen()

    @carveout.subscribe("tickets.TicketMoved")
    def hear(event):
        note(f"heard {event.key}")

    steps.flow()
    rename("T-0", "renamed")
    steps.flow()
    assert notes() == ["Concert T-0", "heard T-0"]


def test_a_parked_event_waits_for_the_replica_too(replica):
    tries = []

    @carveout.subscribe("tickets.TicketMoved", max_attempts=2)
    def show(event, ticket: TicketToShow):
        tries.append(ticket.title)
        if len(tries) < 3:
            raise ValueError
        note(ticket.title)

    rename("T-0", "renamed")
    steps.relay()
    replica.catch_up()
    steps.consume()
    assert Delivery.objects.using("kit").get().state == "waiting"
    with connections["replica"].cursor() as cursor:  # it is behind again
        cursor.execute("UPDATE carveout_partition SET head = 0")
    for _ in range(ROUNDS):
        steps.consume()
    row = Delivery.objects.using("kit").get()
    assert (row.attempts, row.error_type) == (1, "carveout.errors.LookupBehind")
    replica.catch_up()
    steps.until(lambda: notes() == ["renamed"])


def test_a_replica_that_is_behind_opens_no_breaker(replica):
    sell("T-1")
    steps.relay()
    for _ in range(ROUNDS):
        with pytest.raises(LookupBehind) as caught:
            carveout.look_up_many(TicketToShow, ["T-0"], seen=(0, 2))
    assert caught.value.retryable
    assert not http.breakers["tickets"].blocks()
    assert carveout.look_up(TicketToShow, "T-0").title == "Concert T-0"  # who saw nothing newer


def test_a_database_without_logs_is_no_replica(replica):
    announce(sold(1, "T"))
    with connections["replica"].cursor() as cursor:
        cursor.execute("DELETE FROM carveout_partition")
    listen()
    steps.flow()
    assert notes() == ["Concert T-0"]


def test_an_own_copy_is_read_from_the_database_of_the_log(replica):
    """From several replicas, a later answer may be older than an earlier one."""
    keeping.declare(TicketCopy)
    steps.flow()
    list(filling.fill(TicketCopy))
    sell("T-1")
    rename("T-0", "renamed")
    steps.flow()
    rows = dict(TicketCopy.objects.using("kit").values_list("number", "title"))
    assert rows == {"T-0": "renamed", "T-1": "Concert T-1"}
