"""What is seen at run time beside what is declared: tallies, cursors, groups, told contracts."""

import re
import time
from pathlib import Path

import msgspec
import pytest
from django.core.management import call_command
from django.db import transaction

import carveout
from carveout.contracts import deployed
from carveout.contracts.declared import declared
from carveout.eventlog import reader
from carveout.models import Delivery
from carveout.operations.contextmap import tables, troubles
from carveout.operations.contextmap.context_map import draw
from carveout.operations.contextmap.drift import RECENT_S, differences
from carveout.operations.contextmap.formats import as_mermaid, as_text
from carveout.operations.contextmap.observed import observe
from carveout.redis import keys
from carveout.redis.client import client
from carveout.subscriptions import cursors, status
from carveout.subscriptions.subscription import registry
from tests.eventually import eventually
from tests.integration.kit import steps
from tests.integration.kit.desk.lookups import TicketToShow
from tests.integration.kit.tickets.services import announce, returned, sell, sold
from tests.servers import ValkeyForTests

pytestmark = pytest.mark.usefixtures("kit")


def remarks() -> list[str]:
    contracts = {name: declared(name) for name in ("desk", "tickets")}
    return sorted(map(str, differences(contracts, observe())))


def test_it_is_seen_what_is_heard_and_how_far_behind_a_subscription_is():
    @carveout.subscribe("tickets.TicketSold", "tickets.TicketReturned")
    def record(event, ticket: TicketToShow): ...

    sell("A", "B")
    steps.flow()
    sell("C")
    steps.relay()

    seen = observe()
    assert seen.unread == []
    each = seen.subscriptions["desk.record"]
    assert (each.heard, each.lag, each.waiting, each.dead) == (2, 1, 0, 0)
    assert each.types.keys() == {"tickets.TicketSold"}
    assert abs(time.time() - each.heard_at) < 60
    assert seen.events["tickets.TicketSold"].count == 3
    asked = seen.lookups["desk tickets.ticket"]
    assert (asked.requests, asked.failed) == (1, 0)
    assert asked.mean_ms > 0


def test_numbers_are_of_an_event_type_or_told_once_at_the_subscription():
    """Not the sum at each of its types. Cursors and deliveries know no types."""

    @carveout.subscribe("tickets.TicketSold", "tickets.TicketReturned", max_attempts=1)
    def record(event):
        if event.type == "tickets.TicketReturned":
            raise OSError("no paper")

    sell("A", "B", "C")
    announce([returned("A")])
    steps.flow()
    sell("D")
    steps.relay()

    seen = observe()
    drawn = draw({name: declared(name) for name in ("desk", "tickets")}, seen)
    text = as_text(drawn)
    assert text.count("→ desk.record via") == 2
    (sold_line,) = re.findall(r"publishes TicketSold.*\n.*→ desk\.record via.*", text)
    (returned_line,) = re.findall(r"publishes TicketReturned.*\n.*→ desk\.record via.*", text)
    assert " [3 handled]  " in sold_line
    assert " [1 handled, 1 failed]  " in returned_line
    (own,) = re.findall(r"  subscribes with record (.*)", text)
    assert own.startswith("[1 behind, 1 dead]  ")
    assert text.count("dead") == text.count("behind") == 1
    mermaid = as_mermaid(drawn)
    assert 'context_desk["desk<br>record [1 behind, 1 dead]"]' in mermaid
    assert 'event_tickets_TicketSold -- "record [3 handled]" --> context_desk' in mermaid
    assert mermaid.count("dead") == 1
    live = tables.live_cells(seen)
    cells = {name: text for name, text in live["cells"].items() if "desk.record" in name}
    times = {name: cells.pop(name) for name in [*cells] if name.startswith("last ")}
    assert len(times) == 2
    assert cells == {
        "heard desk.record tickets.TicketSold": "3",
        "heard desk.record tickets.TicketReturned": "1",
        "failed desk.record tickets.TicketReturned": "1",
        "lag desk.record": "1",
        "waiting desk.record": "0",
        "queued desk.record": "0",
        "dead desk.record": "1",
    }
    assert live["levels"] == {"dead desk.record": "error"}
    (row,) = tables.subscriptions(drawn)
    assert row.hears == ["tickets.TicketReturned", "tickets.TicketSold"]


def test_it_is_seen_what_waits_and_what_is_dead():
    @carveout.subscribe("tickets.TicketSold", max_attempts=1)
    def give_up(event):
        raise OSError("no paper")

    @carveout.subscribe("tickets.TicketSold", max_attempts=9, retry_base_s=900)
    def wait(event):
        raise OSError("no paper")

    announce(sold(2))
    steps.flow()
    seen = observe().subscriptions
    assert (seen["desk.give_up"].dead, seen["desk.give_up"].failed) == (2, 2)
    assert (seen["desk.wait"].waiting, seen["desk.wait"].dead) == (2, 0)
    assert seen["desk.give_up"].parked == {"tickets.TicketSold": {"dead": 2}}
    assert seen["desk.wait"].parked == {"tickets.TicketSold": {"waiting": 2}}

    Delivery.objects.using("kit").filter(subscription="desk.wait").update(event='{"type":"tickets')
    assert observe().subscriptions["desk.wait"].parked == {"tickets.": {"waiting": 2}}


def test_it_is_seen_who_is_paused_late_or_stopped(monkeypatch):
    @carveout.subscribe("tickets.TicketSold")
    def record(event): ...

    announce(sold(1))
    steps.flow()
    assert troubles.shown(observe()) == {}
    cursors.pause("desk.record", "ada", "no paper", "kit")
    announce(sold(3)[1:])
    steps.relay()
    monkeypatch.setattr(status, "LATE_S", -1.0)
    found = troubles.shown(observe())["events:tickets:desk"]
    assert found["parts"] == ["2 behind", "paused"]
    with transaction.atomic(using="kit"):
        reader.stop(reader.head_row("tickets", 0), "its stream is not its log's")
    found = troubles.shown(observe())["events:tickets:desk"]
    assert found["parts"] == ["stopped", "2 behind", "paused"]
    assert found["lines"][0]["text"] == "stopped: partition tickets.0"


def test_it_is_seen_which_events_handlers_publish_if_they_commit():
    @carveout.subscribe("tickets.TicketSold")
    def take_back(event):
        with transaction.atomic(using="kit"):
            carveout.publish(returned(event.key))
        if event.key == "T-2":
            raise OSError("and this one is rolled back")

    announce(sold(2))
    steps.flow()
    assert observe().causes == {"tickets.TicketSold": {"tickets.TicketReturned": 1}}


def test_a_subscriber_that_nobody_declares_is_found_at_the_event_that_it_hears():
    @carveout.subscribe("tickets.TicketSold")
    def stray(event): ...

    announce(sold(2))
    steps.flow()
    assert remarks() == []
    del registry["desk.stray"]

    (found,) = remarks()
    event = declared("tickets").events["tickets.TicketSold"]
    told = f"{event.at}: desk.stray handles tickets.TicketSold but is not declared, 2 so far, "
    assert found.startswith(told)
    call_command("forget", "desk.stray", "--yes")
    assert remarks() == []


def test_a_group_that_somebody_made_by_hand_is_found():
    announce(sold(1))
    steps.relay()
    client().xgroup_create("carveout:{tickets.0}:stream", "reporting", "0")
    (found,) = remarks()
    events = declared("tickets").events
    assert found == (
        f"{events[min(events)].at}: reporting handles events of tickets but is not declared."
        " Declare it, or stop it and run `manage.py forget reporting`; if it was"
        " renamed, run `manage.py rename reporting NEW`."
    )
    call_command("forget", "reporting", "--yes")
    assert remarks() == []


def test_what_was_declared_long_ago_and_never_seen_is_a_notice_and_a_new_one_is_none():
    @carveout.subscribe("tickets.TicketSold")
    def sleep(event): ...

    deployed.announce(["desk"])
    eventually(lambda: deployed.announced_since().keys() == {"desk.sleep"})
    long_ago = time.time() - RECENT_S - 1
    client().hset(keys.FIRST_SEEN, "desk.sleep", long_ago)
    assert remarks() == [], "the log is empty"

    announce(sold(1))
    steps.relay()
    at = declared("desk").hears["tickets.TicketSold"]["desk.sleep"].at
    assert remarks() == [
        f"notice: {at}: desk.sleep is declared but was never seen."
        " Is `manage.py consume desk` running?"
    ]
    blind = observe()
    blind.unread.append("database 'kit' can't be read: it is away")
    assert list(differences({"desk": declared("desk")}, blind)) == []

    client().hset(keys.FIRST_SEEN, "desk.sleep", time.time())
    assert remarks() == [], "it was declared only now"
    client().hset(keys.FIRST_SEEN, "desk.sleep", long_ago)
    steps.consume()
    assert remarks() == []


def test_contracts_of_other_deployments_are_known_through_redis(kit, tmp_path):
    deployed.announce(["tickets"])
    eventually(lambda: "tickets" in deployed.announced())
    client().hset(keys.CONTRACTS, "unheard-of", b"of another release")

    kit.set(HOSTED=["desk"])
    assert deployed.known(tmp_path, {}).keys() == {"desk"}
    known = deployed.known(tmp_path, deployed.announced())
    assert known["tickets"].events.keys() >= {"tickets.TicketSold"}
    assert deployed.announced()["tickets"].by


def test_a_context_of_no_settings_is_known_while_it_runs(kit, tmp_path):
    deployed.announce(["tickets"])
    eventually(lambda: "tickets" in deployed.announced())
    found = deployed.announced()["tickets"]
    contract = msgspec.structs.replace(found.contract, context="loyalty")
    running = msgspec.structs.replace(found, contract=contract)
    gone = msgspec.structs.replace(running, at=running.at - deployed.GONE_AFTER_S - 1)
    assert "loyalty" in deployed.known(tmp_path, {"loyalty": running})
    assert "loyalty" not in deployed.known(tmp_path, {"loyalty": gone})


def test_workers_tell_their_contracts_again_after_redis_lost_them(valkey, monkeypatch):
    monkeypatch.setattr(deployed, "ANNOUNCE_EVERY_S", 0.0)
    steps.relay()
    eventually(lambda: "tickets" in deployed.announced())
    valkey.flush()
    steps.relay()
    eventually(lambda: "tickets" in deployed.announced())


def test_a_worker_of_jobs_tells_them_again_too(rq_signals, monkeypatch):
    told = []
    monkeypatch.setattr(deployed, "announce", lambda names: told.append([*names]))
    call_command("work", "desk", once=True, verbosity=0)
    assert len(told) > 2
    assert {name for names in told for name in names} == {"desk"}


def test_without_redis_nothing_is_claimed_and_it_is_said(valkey: ValkeyForTests, tmp_path: Path):
    @carveout.subscribe("tickets.TicketSold")
    def record(event): ...

    announce(sold(1))
    steps.relay()
    valkey.stop()
    seen = observe()
    assert [each[:20] for each in seen.unread] == ["Redis did not answer"]
    assert remarks() == []
    valkey.start()
