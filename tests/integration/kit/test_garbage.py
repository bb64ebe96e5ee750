"""Whatever other programs write to our keys in Redis: it is ignored or named, and all go on."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO
from itertools import product
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from redis import Redis

import carveout
from carveout.consumers import leases
from carveout.consumers.consumer import Consumer
from carveout.deliveries import job_queue
from carveout.eventlog.relay import Relay
from carveout.events.event import PartitionRef
from carveout.models import LoggedEvent
from carveout.operations.metrics import prometheus
from carveout.redis import inbound, keys
from carveout.telemetry import counters
from tests.integration.kit import steps
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.services import announce, sold

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kit", "rq_signals")]

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

OF_PLACE = "carveout:{tickets.0}:"
STREAM, LOG = f"{OF_PLACE}stream", f"{OF_PLACE}log"
HASHES = [
    f"{OF_PLACE}cursors",
    *(f"carveout:tally:{kind}" for kind in counters.KINDS),
    "carveout:contracts",
    "carveout:contracts:since",
]
OTHERS = [
    f"{OF_PLACE}kept",
    f"{OF_PLACE}trace:desk.ear",
    f"{OF_PLACE}lease:desk",
    f"{OF_PLACE}batch:desk",
    "carveout:members:desk",
    "rq:queue:carveout-desk",
]
NAMES = [
    b"desk.ear",
    b"desk.ear tickets.TicketSold",
    b"tickets.TicketSold",
    b"tickets",
    b"\xff\xfe",
]
NAMES += [b"desk", b"a\nb c", b"x" * 10_000, b"heard desk.ear tickets.TicketSold"]
VALUES = [b"notanumber", b"%d" % 2**70, b"9" * 5_000, b"\xff", b"-1", b"nan", b"1e400", b"{}"]
VALUES += [b"", b"[" * 5_000, b"x" * 500_000]
BAD_TRACES = [b"{}", b'{"first": 1, "began": 1, "committed": 1e300}', b"\xff", b"[" * 9_000]


@pytest.fixture(autouse=True)
def subscriptions(kit) -> None:
    kit.change("tickets", partitions=2)

    @carveout.subscribe("tickets.TicketSold")
    def ear(event):
        note(event.key)

    @carveout.subscribe("tickets.TicketSold", via="rq")
    def printer(event): ...


@pytest.fixture
def redis(valkey) -> Iterator[Redis]:
    with valkey.client as connection:
        yield connection


@pytest.fixture
def pages(client, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    client.force_login(User.objects.create_superuser("root", password="pw"))
    return client


@pytest.fixture
def others_go_on(pages, caplog):
    """Gives: a function that runs everything that reads Redis, and says what handlers noted."""

    def run() -> list[str]:
        inbound.reset()
        announce(sold(8, "K")[4:])
        for worker in (Relay(["tickets", "desk"]), Consumer(["desk"])):
            for _ in range(3):
                worker.run_once()
            worker.close()
        for command in (["prune", "--older-than", "9"], ["contextmap"], ["doctor"]):
            with suppress(CommandError, SystemExit):  # it says so by its exit code
                call_command(*command, stdout=StringIO(), stderr=StringIO())
        assert prometheus.text()
        event_id = LoggedEvent.objects.using("kit").filter(partition=0).earliest("id").event_id
        for url in ("map/", "map/live/", f"story/?q={event_id}", "subscriptionrecord/"):
            assert pages.get(f"/admin/carveout/{url}").status_code == 200
        assert pages.get("/carveout/metrics/").status_code == 200
        return sorted(notes())

    announce(sold(4, "K"))
    steps.flow()
    caplog.set_level(logging.WARNING)
    return run


ALL = [f"K-{number}" for number in range(1, 9)]


def test_what_is_in_no_field_of_ours_is_left_out_and_named_once(redis, others_go_on, caplog):
    for key in HASHES:
        for name, value in product(NAMES, VALUES):
            redis.hset(key, name + value[:1], value)
            redis.hset(key, name, value)
    assert others_go_on() == ALL
    for key in HASHES:
        assert caplog.text.count(f"{key} has ") == 1


@on_sqlite
def test_counts_of_what_has_no_such_name_are_left_out(redis):
    redis.hset("carveout:tally:heard", mapping={"desk": 1, "desk.ear a b": 1, "desk.ear a": 1})
    assert list(counters.read("heard")) == ["desk.ear a"]


@on_sqlite
@pytest.mark.parametrize("value", [value for value in VALUES if value != b"{}"])
def test_a_number_that_no_column_holds_is_none(value):
    with pytest.raises(ValueError, match=r"."):
        inbound.whole(value)
    with pytest.raises(ValueError, match=r"."):
        inbound.moment(value)


@on_sqlite
@pytest.mark.parametrize("value", VALUES[:-1])
def test_a_count_whose_time_is_none_still_counts(value, redis):
    redis.hset("carveout:tally:failed", "desk.ear tickets.TicketSold", 3)
    redis.hset(keys.LAST_COUNTED, "failed desk.ear tickets.TicketSold", value)
    assert counters.read("failed") == {"desk.ear tickets.TicketSold": counters.Count(3, 0)}


@on_sqlite
@pytest.mark.parametrize("spoilt", [HASHES, [keys.LAST_COUNTED]], ids=["hashes", "last"])
@pytest.mark.parametrize("write", ["SET", "SADD"])
def test_something_else_in_the_place_of_keys_stops_nobody(
    write, spoilt, redis, others_go_on, caplog
):
    for key in (*spoilt, *OTHERS):
        redis.delete(key)
        redis.execute_command(write, key, "x")
    assert others_go_on() == ALL
    for key in spoilt:
        assert f"{key} is not a hash" in caplog.text


@on_sqlite
@pytest.mark.parametrize(
    ("key", "write", "told"),
    [
        (STREAM, "SET", f"redis-cli DEL {STREAM}"),
        (STREAM, "SADD", f"redis-cli DEL {STREAM}"),
        (LOG, "SADD", f"redis-cli DEL {STREAM} {LOG}"),
        (LOG, "SET", "it is marked x"),
    ],
)
def test_a_stream_of_another_kind_stands_still_alone(key, write, told, redis, others_go_on, caplog):
    """It is named with its key and the fix; the other partition, and the other context, go on."""
    redis.delete(key)
    redis.execute_command(write, key, "x")
    heard = others_go_on()
    later = LoggedEvent.objects.using("kit").filter(key__in=ALL[4:])
    places = dict(later.values_list("key", "partition"))
    assert set(places.values()) == {0, 1}
    assert [key for key in heard if key in places] == [key for key in places if places[key] == 1]
    assert 0 < caplog.text.count(told) <= 3  # the relay, the consumer and the doctor, once each
    redis.delete(STREAM, LOG)
    if (key, write) == (LOG, "SET"):  # a mark of another log: only a person can tell
        call_command("epoch", "tickets", yes=True, stdout=StringIO())
    steps.flow()
    assert sorted(notes()) == ALL


@on_sqlite
def test_an_entry_at_the_end_of_all_positions_is_thrown_away(redis, others_go_on, caplog):
    redis.xadd(STREAM, {"id": str(uuid4())}, id=f"{2**64 - 1}-0")
    assert others_go_on() == ALL
    assert f"{STREAM}: the newest entry, position" in caplog.text


@on_sqlite
def test_groups_that_are_not_ours_are_left_out(redis, others_go_on, caplog):
    redis.execute_command("XGROUP", "CREATE", STREAM, b"\xff\xfe", "0")
    assert others_go_on() == ALL
    assert "has groups that Carveout did not create" in caplog.text


@on_sqlite
@pytest.mark.parametrize("bad", BAD_TRACES)
def test_a_trace_that_is_not_ours_is_left_out(bad, redis, others_go_on):
    key = keys.batch_traces(PartitionRef("tickets", 0), "desk.ear")
    redis.delete(key)
    redis.xadd(key, {"trace": bad}, id="5000-0")
    assert others_go_on() == ALL


@on_sqlite
@pytest.mark.parametrize("score", ["9e15", "+inf"])
def test_a_member_that_would_stay_for_ever_takes_no_partition(score, kit, redis, others_go_on):
    redis.zadd("carveout:members:desk", {f"{number:02}": score for number in range(9)})
    assert others_go_on() == ALL
    assert leases.members("desk") == 0


@on_sqlite
@pytest.mark.parametrize("options", [{}, {"ex": 86_400}])
def test_a_lease_that_would_not_end_is_taken_over(options, redis, others_go_on):
    redis.set(f"{OF_PLACE}lease:desk", "x", **options)
    assert others_go_on() == ALL


@on_sqlite
def test_names_of_jobs_that_are_no_text_stop_no_consumer(redis, others_go_on):
    redis.lpush("rq:queue:carveout-desk", b"\xff\xfe", "carveout-desk-drain-1")
    assert job_queue.is_queued("desk")
    assert others_go_on() == ALL


@on_sqlite
def test_these_are_all_the_keys(redis, others_go_on):
    """Each key that the kit writes is one of those above."""
    others_go_on()
    ours = {STREAM, LOG, keys.LAST_COUNTED, *HASHES, *OTHERS}
    found = {key.replace("tickets.1", "tickets.0") for key in redis.keys("carveout:*")}
    assert {key for key in found if "{desk." not in key and ":desk.printer" not in key} <= ours
