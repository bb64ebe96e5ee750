"""Announced tables: whatever writes them, the log says what happened, and nothing else."""

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import psycopg
import pytest
from django.db import connections, transaction
from django.db.models import F

import carveout
from carveout.consumers import eager
from carveout.eventlog.triggers import installed
from carveout.eventlog.triggers.announcement import registry
from carveout.events.event import encode
from carveout.models import LoggedEvent
from carveout.telemetry import correlation
from carveout.telemetry.correlation import Correlation
from tests.integration.kit import steps
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets import stalls
from tests.integration.kit.tickets.events import TicketSold
from tests.integration.kit.tickets.services import announce
from tests.integration.kit.tickets.stalls import Stall, Visit

pytestmark = pytest.mark.usefixtures("kit", "announced")


@pytest.fixture
def announced(kit) -> Iterator[dict[str, type[carveout.Event]]]:
    with stalls.announced() as events:
        yield events


STALLS = Stall.objects.using("kit")
VISITS = Visit.objects.using("kit")


def logged() -> list[tuple[str, str]]:
    rows = LoggedEvent.objects.using("kit").order_by("id")
    return [(type_.partition(".")[2], key) for type_, key in rows.values_list("type", "key")]


def run(sql: str, *values: object) -> None:
    with connections["kit"].cursor() as cursor:
        cursor.execute(sql, values)


def test_everything_that_writes_is_announced_and_handled():
    @carveout.subscribe("tickets.StallAdded", "tickets.StallChanged", "tickets.StallRemoved")
    def hear(event):
        note(f"{event.type} {event.key}")

    with transaction.atomic(using="kit"):
        STALLS.bulk_create(Stall(number=f"S-{each}") for each in range(3))
        STALLS.update(price=F("price") + 1)
        STALLS.filter(number="S-1")._raw_delete("kit")
    with pytest.raises(ZeroDivisionError), transaction.atomic(using="kit"):
        STALLS.create(number="S-9")
        raise ZeroDivisionError
    steps.flow()
    assert notes() == [
        *(f"tickets.StallAdded S-{each}" for each in range(3)),
        *(f"tickets.StallChanged S-{each}" for each in range(3)),
        "tickets.StallRemoved S-1",
    ]


def test_an_earlier_release_that_also_publishes_announces_a_row_twice(announced):
    """`docs/howto/announce-a-table.md` says to stop it before `migrate`."""

    @carveout.subscribe("tickets.StallAdded")
    def hear(event):
        note(f"{event.type} {event.key}")

    with transaction.atomic(using="kit"):
        STALLS.create(number="S-1")
        carveout.publish(announced["StallAdded"](number="S-1"))
    ids = LoggedEvent.objects.using("kit").values_list("event_id", flat=True)
    assert len({*ids}) == 2
    steps.flow()
    assert notes() == ["tickets.StallAdded S-1"] * 2


def test_the_data_are_those_of_the_codec(announced):
    reference, now = uuid.uuid4(), datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
    for number, stall in enumerate(
        [
            {"price": Decimal("12.50"), "reference": reference, "opened_at": now},
            {"price": Decimal("-0.05"), "opened_at": now.replace(microsecond=123_000)},
            {"price": Decimal("123456.78"), "is_open": False, "day": date(2026, 2, 1), "rank": -7},
            {"price": Decimal(3), "opened_at": now.replace(microsecond=1)},
        ]
    ):
        key = f'S"\\ü\n{number}'
        row = STALLS.create(number=key, price=99)
        STALLS.filter(pk=row.pk).update(**stall)
        known = {"number": key, "is_open": True, "opened_at": None, "day": None, "rank": 0}
        event = announced["StallChanged"](**{**known, "reference": None, **stall})
        found = LoggedEvent.objects.using("kit").latest("id")
        assert found.key == key
        assert msgspec.json.decode(found.data) == msgspec.json.decode(
            encode(event).replace(b'"3"', b'"3.00"')
        )
        assert " " not in found.data.replace(key, "")


def test_a_key_that_is_a_uuid_is_written_as_publish_writes_it(announced):
    stall, code = STALLS.create(number="S-1"), uuid.uuid4()
    VISITS.create(code=code, stall=stall)
    found = LoggedEvent.objects.using("kit").latest("id")
    event = announced["VisitBegun"](visit=code, stall_id=stall.pk)
    assert (found.key, found.data) == (str(code), encode(event).decode())


def test_only_a_change_of_the_fields_is_announced():
    stall = STALLS.create(number="S-1", price=1)
    stall.title = "Sweets"
    stall.save()
    STALLS.update(price=1, rank=0)
    assert logged() == [("StallAdded", "S-1")]
    STALLS.update(rank=1)
    assert logged()[1:] == [("StallChanged", "S-1")]


def test_a_changed_key_is_another_thing():
    STALLS.create(number="S-1", price=1)
    STALLS.update(number="S-2", price=2)
    assert logged()[1:] == [("StallRemoved", "S-1"), ("StallAdded", "S-2")]
    STALLS.update(id=F("id") + 1000)
    assert logged()[3:] == [("StallRemoved", "S-2"), ("StallAdded", "S-2")]


def test_cascades_of_the_database_are_announced():
    stall, codes = STALLS.create(number="S-1"), [uuid.uuid4() for _ in range(3)]
    VISITS.bulk_create(Visit(code=code, stall=stall) for code in codes)
    STALLS.filter(pk=stall.pk)._raw_delete("kit")
    assert sorted(logged()[4:]) == sorted(
        [("StallRemoved", "S-1"), *(("VisitEnded", str(code)) for code in codes)]
    )


def test_a_rolled_back_savepoint_takes_only_its_own_events():
    with transaction.atomic(using="kit"):
        STALLS.create(number="S-1")
        with pytest.raises(ZeroDivisionError), transaction.atomic(using="kit"):
            STALLS.create(number="S-2")
            STALLS.filter(number="S-1").delete()
            raise ZeroDivisionError
        STALLS.create(number="S-3")
    assert logged() == [("StallAdded", "S-1"), ("StallAdded", "S-3")]


def test_an_upsert_is_what_it_did():
    STALLS.create(number="S-1", price=1)
    STALLS.bulk_create(
        [Stall(number="S-1", price=2), Stall(number="S-2", price=2)],
        update_conflicts=True,
        unique_fields=["number"],
        update_fields=["price"],
    )
    assert sorted(logged()[1:]) == [("StallAdded", "S-2"), ("StallChanged", "S-1")]
    STALLS.bulk_create([Stall(number="S-1")], ignore_conflicts=True)
    assert len(logged()) == 3


def test_another_program_announces_too(database):
    insert = (
        "INSERT INTO kit_tickets_stall (number, title, price, is_open, rank)"
        " VALUES ('S-1', '', 1, {}, 0)"
    )
    if database.startswith("sqlite"):
        other = sqlite3.connect(database.removeprefix("sqlite:///"))
        other.execute(insert.format(1))
        other.commit()
        other.close()
    else:
        with psycopg.connect(database) as other:
            other.execute(insert.format("true"))
    steps.relay()
    found = LoggedEvent.objects.using("kit").get()
    assert (found.type, found.key, found.position) == ("tickets.StallAdded", "S-1", 1)
    assert found.event_id.version == 4


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_another_program_needs_no_rights_on_the_log(database):
    run("DROP ROLE IF EXISTS clerk")
    run("CREATE ROLE clerk LOGIN")
    run("GRANT INSERT ON kit_tickets_stall TO clerk")
    run("GRANT USAGE ON SEQUENCE kit_tickets_stall_id_seq TO clerk")
    with psycopg.connect(database, user="clerk") as other:
        other.execute(
            "INSERT INTO kit_tickets_stall (number, title, price, is_open, rank)"
            " VALUES ('S-1', '', 1, true, 0)"
        )
    assert logged() == [("StallAdded", "S-1")]


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_truncate_announces_each_row():
    STALLS.bulk_create(Stall(number=f"S-{each}") for each in range(3))
    with pytest.raises(ZeroDivisionError), transaction.atomic(using="kit"):
        run("TRUNCATE kit_tickets_stall CASCADE")
        raise ZeroDivisionError
    assert len(logged()) == 3
    run("TRUNCATE kit_tickets_stall CASCADE")
    assert logged()[3:] == [("StallRemoved", f"S-{each}") for each in range(3)]
    run("TRUNCATE kit_tickets_stall, kit_tickets_visit, carveout_loggedevent")
    assert logged() == []


def test_what_is_sound_has_no_fault_and_what_is_not_is_found(database):
    stall = next(each for each in registry.values() if each.model is Stall)
    connection = connections["kit"]
    assert [*installed.faults(stall, connection)] == []
    first, second, *_ = (
        each.name for each in stalls.statements.triggers_of(stall, connection.vendor)
    )
    if connection.vendor == "postgresql":
        run(f"ALTER TABLE kit_tickets_stall DISABLE TRIGGER {first}")
        run(f"DROP TRIGGER {second} ON kit_tickets_stall")
        run(
            "CREATE OR REPLACE FUNCTION carveout_kit_tickets_stall_changed() RETURNS trigger"
            " LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"
        )
        expected = ["is disabled", "is missing", "is out of date"]
    else:
        run(f"DROP TRIGGER {second}")
        run("DROP TRIGGER carveout_kit_tickets_stall_changed")
        run(
            "CREATE TRIGGER carveout_kit_tickets_stall_changed AFTER UPDATE ON kit_tickets_stall"
            " BEGIN SELECT 1; END"
        )
        expected = ["is missing", "is out of date"]
    assert [each.found for each in installed.faults(stall, connection)] == expected


def origins() -> list[tuple[str, str, str]]:
    rows = LoggedEvent.objects.using("kit").order_by("id")
    return list(rows.values_list("correlation_id", "causation_id", "traceparent"))


def test_a_request_is_kept_whatever_it_does():
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    with correlation.using(Correlation("request-1", trace)), transaction.atomic(using="kit"):
        with pytest.raises(ZeroDivisionError), transaction.atomic(using="kit"):
            STALLS.create(number="S-0")
            raise ZeroDivisionError
        stall = STALLS.create(number="S-1")
        VISITS.bulk_create(Visit(code=uuid.uuid4(), stall=stall) for _ in range(2))
        STALLS.update(rank=1)
        STALLS.filter(pk=stall.pk)._raw_delete("kit")
    assert origins() == [("request-1", "", trace)] * 7
    STALLS.create(number="S-2")
    assert origins()[-1] == ("", "", "")


def test_each_event_of_a_batch_is_the_cause_of_its_own_writes(announced):
    @carveout.subscribe("tickets.TicketSold")
    def hear(event):
        Stall.objects.using("kit").create(number=f"by {event.key}")

    announce([TicketSold(number="T-1"), TicketSold(number="T-2")])
    steps.flow()
    by_key = {row.key: row for row in LoggedEvent.objects.using("kit")}
    for key in ("T-1", "T-2"):
        event_id = str(by_key[key].event_id)
        made = by_key[f"by {key}"]
        assert (made.causation_id, made.correlation_id) == (event_id, event_id)


def test_a_correlation_id_that_could_end_the_comment_is_left_out():
    with correlation.using(Correlation("x*/; DROP TABLE kit_tickets_stall; --")):
        STALLS.create(number="S-1")
    assert origins() == [("", "", "")]


def test_no_write_costs_a_statement_more(django_assert_num_queries):
    stall = STALLS.create(number="S-1")
    counted = django_assert_num_queries(2, connection=connections["kit"])
    with correlation.using(Correlation("request-1")), counted:
        STALLS.filter(pk=stall.pk).update(rank=1)
        STALLS.filter(pk=stall.pk).update(rank=2)


@pytest.mark.parametrize("in_block", [True, False])
def test_the_relay_is_woken_after_the_commit(valkey, in_block):
    with valkey.client as client, client.pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe("carveout:wake:tickets")
        heard.get_message(timeout=1)
        with transaction.atomic(using="kit") if in_block else nullcontext():
            STALLS.filter(number="S-1").update(rank=1)
            if in_block:
                assert heard.get_message(timeout=0.05) is None
        assert heard.get_message(timeout=5)
        note("nothing that is announced")
        assert heard.get_message(timeout=0.05) is None


@pytest.mark.parametrize("delivery", ["inline", "eager"])
def test_without_a_relay_it_is_delivered_in_process(kit, delivery):
    @carveout.subscribe("tickets.StallAdded")
    def hear(event):
        note(event.key)

    kit.set(DELIVERY=delivery)
    eager.watch()
    with transaction.atomic(using="kit"):
        STALLS.create(number="S-1")
        assert notes() == []
    assert notes() == ["S-1"]
    STALLS.create(number="S-2")
    assert notes() == ["S-1", "S-2"]
