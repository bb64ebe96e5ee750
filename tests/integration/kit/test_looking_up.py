"""Look up: the same in process and over HTTP, and an owner in trouble is a clear error."""

import time
from decimal import Decimal

import pytest
import urllib3
from django.db import connections

import carveout
from carveout.errors import SettingsInvalid
from carveout.lookups import http, tokens
from carveout.lookups.circuit_breaker import FAILURES_TO_OPEN
from carveout.lookups.provider import KEYS_PER_REQUEST
from carveout.lookups.reader import look_up_page
from carveout.telemetry import counters
from tests.integration.kit.desk.lookups import (
    Seat,
    TicketAsGuessed,
    TicketMistyped,
    TicketToBill,
    TicketToShow,
)
from tests.integration.kit.tickets.models import Ticket
from tests.integration.kit.tickets.services import sell
from tests.integration.kit.web import Owner, dripping, endless, mumbling, serving, the_contexts
from tests.servers import free_port

RESOURCE = "lookups/tickets.ticket/"


@pytest.fixture
def internal(kit):
    """The contexts behind a web server. Gives: where their internal REST is."""
    with the_contexts() as url:
        kit.change("tickets", url=url)
        yield url


@pytest.fixture(params=["in process", "over http"])
def way(request, kit, internal):
    """Both ways to ask the same owner."""
    if request.param == "over http":
        kit.set(LOOKUPS="http")


def asking(kit, url: str) -> None:
    """Let lookups of tickets go to this address."""
    kit.set(LOOKUPS="http", LOOKUP_TIMEOUT_S=0.3)
    kit.change("tickets", url=url)


@pytest.mark.usefixtures("way")
class TestBothWays:
    """The transport is a setting; what a reader gets is not."""

    def test_one_object(self):
        sell("T-1")
        assert carveout.look_up(TicketToShow, "T-1") == TicketToShow(
            number="T-1", title="Concert T-1"
        )

    def test_money_and_nested_objects_come_as_declared(self):
        sell("T-1")
        found = carveout.look_up(TicketToBill, "T-1")
        assert found == TicketToBill(price=Decimal("12.50"), seat=Seat(row="A", place=11))
        assert isinstance(found.price, Decimal)

    def test_many_objects_and_unknown_keys_are_absent(self):
        sell("T-1", "T-2", "T-3")
        found = carveout.look_up_many(TicketToShow, ["T-3", "T-1", "T-9"])
        assert sorted(found) == ["T-1", "T-3"]

    def test_an_unknown_key_is_not_found(self):
        with pytest.raises(carveout.LookupNotFound, match=r"tickets\.ticket has no 'T-9'"):
            carveout.look_up(TicketToShow, "T-9")

    @pytest.mark.parametrize("key", ["a&key=b", "ä/ö ü", "50%", "+1", "a,b", "#", "?x=1"])
    def test_a_key_may_be_any_text(self, key):
        Ticket.objects.using("kit").create(number=key, title="x")
        assert carveout.look_up(TicketToShow, key).number == key

    def test_many_keys_go_in_few_requests(self):
        keys = [f"T-{number}" for number in range(KEYS_PER_REQUEST * 2 + 1)]
        Ticket.objects.using("kit").bulk_create(Ticket(number=key, title="x") for key in keys)
        assert carveout.look_up_many(TicketToShow, [*keys, *keys]).keys() == set(keys)
        assert counters.lookups() == {"desk tickets.ticket": 3}

    def test_no_keys_is_no_request(self):
        assert carveout.look_up_many(TicketToShow, []) == {}
        assert counters.lookups() == {}

    def test_all_objects_come_in_pages_in_the_order_of_their_keys(self):
        sell("T-3", "T-1", "T-4", "T-2")
        pages = [look_up_page(TicketToShow, after, 3) for after in ("", "T-3", "T-4")]
        assert [[*page] for page in pages] == [["T-1", "T-2", "T-3"], ["T-4"], []]
        assert pages[1]["T-4"].title == "Concert T-4"

    def test_a_page_begins_after_a_key_that_can_be_one(self):
        with pytest.raises(carveout.LookupRefused, match="be a number"):
            look_up_page(TicketToShow, "\0", 3)

    def test_a_field_that_is_not_offered_is_refused_by_name(self):
        sell("T-1")
        with pytest.raises(carveout.LookupRefused, match=r"has no colour; it has number, title"):
            carveout.look_up(TicketAsGuessed, "T-1")

    def test_a_field_of_another_type_is_refused_by_name(self):
        sell("T-1")
        with pytest.raises(carveout.LookupRefused, match=r"Expected `int`.*title"):
            carveout.look_up(TicketMistyped, "T-1")

    def test_what_is_found_never_changes(self):
        sell("T-1")
        with pytest.raises(AttributeError, match="immutable"):
            carveout.look_up(TicketToShow, "T-1").title = "other"


def get(url: str, params: list[tuple[str, str]]) -> urllib3.BaseHTTPResponse:
    signed = tokens.sign("desk", "tickets", "GET", RESOURCE)
    headers = {"Authorization": f"Bearer {signed}"}
    return urllib3.request("GET", f"{url}/{RESOURCE}", fields=params, headers=headers)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
class TestTheResource:
    """What an owner answers over HTTP."""

    def test_only_the_wanted_fields_travel(self, internal):
        sell("T-1")
        answer = get(internal, [("key", "T-1"), ("fields", "title,number")])
        assert answer.json() == {"T-1": {"number": "T-1", "title": "Concert T-1"}}

    def test_all_fields_travel_if_none_is_named(self, internal):
        sell("T-1")
        assert list(get(internal, [("key", "T-1")]).json()["T-1"]) == [
            "number",
            "title",
            "price",
            "seat",
        ]

    def test_an_unknown_field_is_a_bad_request_that_names_it(self, internal):
        answer = get(internal, [("key", "T-1"), ("fields", "number,colour")])
        assert answer.status == 400
        assert "has no colour" in answer.json()["fields"]

    @pytest.mark.parametrize("count", [0, KEYS_PER_REQUEST + 1])
    def test_no_keys_or_too_many_are_a_bad_request(self, internal, count):
        answer = get(internal, [("key", f"T-{number}") for number in range(count)])
        assert answer.status == 400
        assert "key" in answer.json()

    @pytest.mark.parametrize("limit", ["0", "-1", "1001", "", "many", "1.5"])
    def test_a_page_is_bounded(self, internal, limit):
        answer = get(internal, [("after", ""), ("limit", limit)])
        assert (answer.status, list(answer.json())) == (400, ["limit"])

    def test_keys_cost_one_query_together(self, internal, django_assert_num_queries, kit):
        sell("T-1", "T-2", "T-3")
        with django_assert_num_queries(1, connection=connections["kit"]):
            carveout.look_up_many(TicketToShow, ["T-1", "T-2", "T-3"])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
class TestAnOwnerInTrouble:
    """Retryable or not: the error says it."""

    def unavailable(self, match: str) -> None:
        with pytest.raises(carveout.LookupUnavailable, match=match) as caught:
            carveout.look_up(TicketToShow, "T-1")
        assert caught.value.retryable

    def refused(self, match: str) -> None:
        with pytest.raises(carveout.LookupRefused, match=match) as caught:
            carveout.look_up(TicketToShow, "T-1")
        assert not caught.value.retryable

    def test_nobody_listens(self, kit):
        asking(kit, f"http://127.0.0.1:{free_port()}")
        self.unavailable("did not answer")

    @pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
    def test_it_answers_with_trouble_of_its_own(self, kit, status):
        with serving(Owner(f"{status} Sorry")) as url:
            asking(kit, url)
            self.unavailable(f"answered {status}")

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 418])
    def test_it_refuses(self, kit, status):
        with serving(Owner(f"{status} No", b"because of the weather")) as url:
            asking(kit, url)
            self.refused(f"answered {status}.*weather")

    def test_it_is_too_slow(self, kit):
        owner = Owner()
        owner.wait_s = 1.0
        with serving(owner) as url:
            asking(kit, url)
            self.unavailable("did not answer")

    def test_it_answers_byte_by_byte(self, kit):
        with serving(dripping(seconds=30)) as url:
            asking(kit, url)
            began = time.monotonic()
            self.unavailable("did not answer")
            assert time.monotonic() - began < 15

    @pytest.mark.parametrize("every_s", [None, 0.2])
    def test_it_takes_the_call_and_says_nothing_or_hardly_anything(self, kit, every_s):
        with mumbling(every_s=every_s) as url:
            asking(kit, url)
            began = time.monotonic()
            self.unavailable("did not answer")
            assert time.monotonic() - began < 15

    def test_it_sends_us_elsewhere(self, kit):
        elsewhere = Owner(body=b'{"T-1": {"number": "T-1", "title": "forged"}}')
        with serving(elsewhere) as other, serving(Owner("302 Found", Location=other)) as url:
            asking(kit, url)
            self.refused("answered 302")
        assert elsewhere.asked == []

    def test_its_django_does_not_know_the_host_we_call(self, kit):
        page = {"Content-Type": "text/html"}
        with serving(Owner("400 Bad Request", b"<h1>Bad Request (400)</h1>", **page)) as url:
            asking(kit, url)
            self.refused("Add '127.0.0.1' to ALLOWED_HOSTS of the deployment of tickets")

    def test_its_django_wants_tls(self, kit):
        with serving(Owner("301 Moved", Location="https://tickets.internal/")) as url:
            asking(kit, url)
            self.refused("redirects to https://tickets.internal/.*SECURE_SSL_REDIRECT")

    def test_it_sends_too_much_and_the_next_answer_is_read_as_well(self, kit):
        kit.set(LOOKUP_BYTES_MAX=1000)
        good = b'{"T-1": {"number": "T-1", "title": "x"}}'
        owner = Owner(body=b" " * 1_000_000)
        with serving(owner) as url:
            asking(kit, url)
            self.refused("over 1000 bytes")
            owner.body = good + b" " * (1000 - len(good))
            assert carveout.look_up(TicketToShow, "T-1").title == "x"

    @pytest.mark.parametrize(
        "body",
        [b"", b"<html>", b"[]", b'{"T-1": 3}', b'{"T-1": {}}', b"\xff", b'{"T-1":' * 10_000],
        ids=lambda body: repr(body[:15]),
    )
    def test_it_answers_nonsense(self, kit, body):
        with serving(Owner(body=body)) as url:
            asking(kit, url)
            self.refused("The answer of .* does not fit")

    def test_its_answer_never_ends(self, kit):
        with serving(endless) as url:
            asking(kit, url)
            kit.set(LOOKUP_BYTES_MAX=100_000, LOOKUP_TIMEOUT_S=3.0)
            self.refused("over 100000 bytes")

    def test_its_address_is_not_known(self, kit):
        kit.set(LOOKUPS="http")
        with pytest.raises(SettingsInvalid, match=r"\['tickets'\]\['url'\] is empty"):
            carveout.look_up(TicketToShow, "T-1")

    def test_it_is_left_alone_after_some_failures(self, kit):
        owner = Owner("503 Sorry")
        with serving(owner) as url:
            asking(kit, url)
            for _ in range(FAILURES_TO_OPEN + 3):
                self.unavailable("answer")
        assert len(owner.asked) == FAILURES_TO_OPEN

    def test_a_refusal_is_no_failure(self, kit):
        owner = Owner("403 No")
        with serving(owner) as url:
            asking(kit, url)
            for _ in range(FAILURES_TO_OPEN + 3):
                self.refused("answered 403")
        assert len(owner.asked) == FAILURES_TO_OPEN + 3
        assert http.breakers["tickets"].failures == 0


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_lookups_are_counted_by_reader_and_lookup(kit):
    sell("T-1")
    carveout.look_up(TicketToShow, "T-1")
    carveout.look_up(TicketToBill, "T-1")
    assert counters.lookups() == {"desk tickets.ticket": 2}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_lookup_does_not_need_redis(kit, valkey):
    sell("T-1")
    valkey.stop()
    assert carveout.look_up(TicketToShow, "T-1").number == "T-1"
