"""Rows follow the deletion of another context's row, as they did by on_delete."""

import threading

import pytest
from django.core.management import call_command
from django.db import connections, models, transaction
from django.test.utils import CaptureQueriesContext

import carveout
from carveout.errors import DeclarationInvalid, LookupUnavailable
from carveout.models import Sweep
from carveout.operations import id_sweep
from carveout.subscriptions import following
from carveout.subscriptions.following import Following
from tests.eventually import eventually
from tests.integration.kit import steps
from tests.integration.kit.desk.models import Hold
from tests.integration.kit.tickets.events import TicketSold
from tests.integration.kit.tickets.models import Ticket
from tests.integration.kit.tickets.services import announce, moves

pytestmark = pytest.mark.usefixtures("kit")

HOLDS = Hold.objects.using("kit")
SOLD = {"deleted": "tickets.TicketSold", "of": "tickets.ticket", "key": "number"}
"""Any event with the number does for a deletion."""


def follows(on_delete, **options) -> Following:
    carveout.follows(Hold, "ticket_number", on_delete=on_delete, **SOLD, **options)
    return following.registry["kit_desk.Hold.ticket_number"]


def hold(*numbers: str | None) -> None:
    HOLDS.bulk_create(Hold(ticket_number=number) for number in numbers)


def held() -> list[str | None]:
    return list(HOLDS.order_by("id").values_list("ticket_number", flat=True))


def gone(*numbers: str) -> None:
    for number in numbers:
        announce([TicketSold(number=number)])
    steps.flow()


def nobody() -> str:
    return "nobody"


@pytest.mark.parametrize(
    ("on_delete", "left"),
    [
        pytest.param(models.CASCADE, ["3", None], id="cascade"),
        pytest.param(models.SET_NULL, [None, None, "3", None], id="set null"),
        pytest.param(models.SET_DEFAULT, ["none", "none", "3", None], id="set default"),
        pytest.param(models.SET("x"), ["x", "x", "3", None], id="set"),
        pytest.param(models.SET(nobody), ["nobody", "nobody", "3", None], id="set by a function"),
    ],
)
def test_rows_follow_as_on_delete_says(on_delete, left):
    follows(on_delete)
    hold("1", "2", "3", None)
    gone("1", "2")
    assert held() == left


def test_the_id_may_be_in_another_field_than_the_key():
    moved = {"deleted": "tickets.TicketMoved", "of": "tickets.ticket", "by": "seat"}
    carveout.follows(Hold, "ticket_number", on_delete=models.CASCADE, key="number", **moved)
    hold("1", "2", "T-1")
    announce(moves("T-1", 1))
    steps.flow()
    assert held() == ["2", "T-1"]


def test_a_value_that_is_gone_itself_is_left():
    declared = follows(models.SET("1"))
    hold("1", "2")
    gone("1", "2")
    assert held() == ["1", "1"]
    assert declared.follow(["1"]) == 0


def test_rows_are_deleted_in_steps_and_those_of_others_last(monkeypatch, database):
    monkeypatch.setattr(following, "STEP", 3)
    declared = follows(models.CASCADE)
    hold(*["1"] * 8, "2")
    locked, free = threading.Event(), threading.Event()

    def lock() -> None:
        with transaction.atomic(using="kit"):
            HOLDS.select_for_update().filter(pk=HOLDS.order_by("pk")[0].pk).get()
            locked.set()
            free.wait(30)
        connections["kit"].close()

    thread = threading.Thread(target=lock)
    if database.startswith("postgres"):
        thread.start()
        assert locked.wait(30)
        threading.Thread(
            target=lambda: (
                eventually(lambda: HOLDS.filter(ticket_number="1").count() == 1)
                and (free.set(), connections["kit"].close())
            )
        ).start()
    with CaptureQueriesContext(connections["kit"]) as queries:
        assert declared.follow(["1"]) == 8
    assert held() == ["2"]
    deleted = [each["sql"] for each in queries if each["sql"].startswith("DELETE")]
    assert len(deleted) >= 3
    if thread.ident:
        thread.join()


@pytest.mark.usefixtures("rq_signals")
def test_rows_that_are_many_follow_in_a_job():
    follows(models.CASCADE, via="rq")
    hold("1", "2", "1")
    gone("1")
    assert held() == ["1", "2", "1"]
    call_command("work", "desk", once=True, verbosity=0)
    assert held() == ["2"]


class Wrong(models.Model):
    must = models.CharField(max_length=8)

    class Meta:
        app_label = "kit_wrong"

    def __str__(self) -> str:
        return self.must


@pytest.mark.parametrize(
    ("arguments", "options", "why"),
    [
        ((Hold, "ticket_numbr"), {}, "there is no such column. Did you mean 'ticket_number'?"),
        (("Hold", "ticket_number"), {}, "the first argument is not a model"),
        ((Hold, "ticket_number"), {"on_delete": models.PROTECT}, "PROTECT can't follow an event"),
        ((Wrong, "must"), {"on_delete": models.SET_NULL}, "SET_NULL needs null=True in must"),
        ((Wrong, "must"), {"on_delete": models.SET_DEFAULT}, "SET_DEFAULT needs a default"),
        ((Hold, "ticket_number"), {"deleted": "Sold"}, "'Sold' is not an event type"),
        ((Hold, "ticket_number"), {"of": "ticket"}, "of='ticket' is not a lookup's name"),
    ],
    ids=["column", "model", "protect", "null", "default", "event", "lookup"],
)
def test_what_can_not_be_right_is_refused(arguments, options, why):
    with pytest.raises(DeclarationInvalid, match=why.replace("?", r"\?")):
        carveout.follows(*arguments, **{"on_delete": models.CASCADE, **SOLD, **options})
    assert not following.registry


# -- The sweep ---------------------------------------------------------------------------------


@pytest.fixture
def swept(monkeypatch) -> Following:
    """Ten ids, of which 3, 4 and 8 have no row; two at a time."""
    monkeypatch.setattr(id_sweep, "PAGE", 2)
    monkeypatch.setattr(id_sweep, "SUSPECTS_MAX", 1)
    tickets = Ticket.objects.using("kit")
    tickets.bulk_create(Ticket(number=str(n), title="x") for n in range(10) if n not in (3, 4, 8))
    hold(*map(str, range(10)), "1", None)
    return follows(models.CASCADE)


def sweep(declared: Following, **options) -> tuple[list[str], int]:
    done = list(id_sweep.sweep(declared, **{"sleep": lambda _: None, **options}))
    return [each for part in done for each in part.gone], sum(part.ids for part in done)


def test_ids_without_a_row_are_followed(swept):
    assert sweep(swept) == (["3", "4", "8"], 10)
    assert held() == ["0", "1", "2", "5", "6", "7", "9", "1", None]
    place = Sweep.objects.using("kit").get()
    assert (place.compared, place.gone, bool(place.ended_at)) == (10, 3, True)
    assert sweep(swept) == ([], 7)


def test_a_row_that_a_replica_does_not_have_yet_is_no_gap(swept):
    waited = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        Ticket.objects.using("kit").update_or_create(number="3", defaults={"title": "late"})

    assert sweep(swept, sleep=sleep, wait_s=7) == (["4", "8"], 10)
    assert set(waited) == {7}


def test_a_sweep_goes_on_where_it_was_ended(swept, monkeypatch):
    """An owner that does not answer ends it, as a kill does; what is done stays done."""
    asked = []
    really = id_sweep.look_up_many

    def ask(reader, keys):
        asked.append(list(keys))
        if "8" in asked[-1]:
            raise LookupUnavailable("tickets is away")
        return really(reader, asked[-1])

    monkeypatch.setattr(id_sweep, "look_up_many", ask)
    with pytest.raises(LookupUnavailable):
        sweep(swept)
    assert held() == ["0", "1", "2", "5", "6", "7", "8", "9", "1", None]
    monkeypatch.setattr(id_sweep, "look_up_many", really)
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(Following, "follow", lambda *_: 1 / 0)  # ended before its work is stored
        sweep(swept)
    assert sweep(swept) == (["8"], 4)
    place = Sweep.objects.using("kit").get()
    assert (place.compared, place.gone) == (10, 3)
