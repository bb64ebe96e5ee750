"""The browsable REST for staff: who may see what, how it is filtered, and that no page is dear."""

import json
import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cloudevents.core.formats.json import JSONFormat
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.settings import api_settings
from rest_framework.versioning import NamespaceVersioning
from rest_framework.views import APIView

import carveout
from carveout.models import Delivery, LoggedEvent
from carveout.operations.rest import pagination
from tests.integration.kit import steps
from tests.integration.kit.tickets.services import announce, returned, sold

INDEX = "/api/carveout/"
EVENTS = "/api/carveout/events/"
SUBSCRIPTIONS = "/api/carveout/subscriptions/"
DELIVERIES = "/api/carveout/deliveries/"
VIEWS = {
    EVENTS: "view_loggedevent",
    SUBSCRIPTIONS: "view_cursor",
    DELIVERIES: "view_delivery",
}
CLOUD, CLOUDS = "application/cloudevents+json", "application/cloudevents-batch+json"
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def rest(db, kit, settings):
    """The two contexts with the kit's URLs. Gives: the kit."""
    settings.TIME_ZONE = "UTC"
    return kit


def somebody(*permissions: str, staff: bool = True) -> Client:
    user = User.objects.create_user("somebody", is_staff=staff)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def staff(rest) -> Client:
    return somebody(*VIEWS.values())


def got(client: Client, path: str, **query):
    answer = client.get(path, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


@on_sqlite
def test_a_browser_gets_json_where_rest_framework_is_not_installed(staff, settings):
    pages = (EVENTS, "/internal/events/tickets/0/", "/internal/lookups/tickets.ticket/?key=T-1")
    User.objects.update(is_superuser=True)
    asks_for_html = {"headers": {"accept": "text/html,*/*;q=0.8"}}
    kinds = [staff.get(each, **asks_for_html).headers["Content-Type"] for each in pages]
    assert kinds == ["text/html; charset=utf-8", "application/json", "text/html; charset=utf-8"]
    settings.INSTALLED_APPS = [each for each in settings.INSTALLED_APPS if each != "rest_framework"]
    for each in pages:
        answer = staff.get(each, **asks_for_html)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("application/json")


def browsed(client: Client, path: str, **query) -> str:
    answer = client.get(path, query, headers={"accept": "text/html"})
    assert answer.status_code == 200, answer.content
    assert answer.headers["Content-Type"].startswith("text/html")
    return answer.content.decode()


def keys(client: Client, **query) -> list[str]:
    return [event["key"] for event in got(client, EVENTS, **query)["results"]]


@on_sqlite
class TestWhoMaySee:
    @pytest.mark.parametrize("path", VIEWS)
    def test_only_staff_with_the_permission(self, rest, path):
        assert Client().get(path).status_code == 403
        client = somebody(*(set(VIEWS.values()) - {VIEWS[path]}))
        assert client.get(path).status_code == 403
        User.objects.all().delete()
        assert somebody(VIEWS[path], staff=False).get(path).status_code == 403
        User.objects.all().delete()
        answer = somebody(VIEWS[path]).get(path)
        assert answer.status_code == 200
        assert "no-store" in answer["Cache-Control"]

    @pytest.mark.parametrize("path", VIEWS)
    def test_whatever_the_project_has_as_its_defaults(self, staff, monkeypatch, path):
        """As tests of the internal REST do; here for a browser's session."""
        monkeypatch.setattr(APIView, "versioning_class", NamespaceVersioning)
        monkeypatch.setattr(NamespaceVersioning, "allowed_versions", ["v1"])
        monkeypatch.setattr(APIView, "throttle_classes", [object])
        monkeypatch.setattr(APIView, "renderer_classes", [])
        monkeypatch.setattr(APIView, "content_negotiation_class", object)
        monkeypatch.setattr(api_settings, "URL_FORMAT_OVERRIDE", "key", raising=False)
        assert staff.get(path, {"key": "T-1"}).status_code == 200

    @pytest.mark.parametrize("path", VIEWS)
    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
    def test_nothing_can_be_written(self, rest, path, method):
        User.objects.create_superuser("root")
        client = Client()
        client.force_login(User.objects.get())
        assert getattr(client, method)(path).status_code == 405

    @pytest.mark.parametrize("path", VIEWS)
    def test_it_can_be_browsed_under_its_own_heading(self, staff, path):
        page = browsed(staff, path)
        heading = path.rstrip("/").rpartition("/")[2].capitalize()
        assert f"<h1>{heading}</h1>" in page

    def test_the_index_names_what_the_account_may_see(self, staff):
        assert Client().get(INDEX).status_code == 403
        assert list(got(staff, INDEX).values()) == [f"http://testserver{path}" for path in VIEWS]
        assert "<h1>Carveout</h1>" in browsed(staff, INDEX)
        User.objects.get().user_permissions.set([])
        assert got(staff, INDEX) == {}
        User.objects.update(is_staff=False)
        assert staff.get(INDEX).status_code == 403

    def test_a_page_offers_its_filters_with_what_was_given(self, staff):
        announce(sold(2))
        page = browsed(staff, EVENTS, key="T-1")
        form = page.partition('id="filtersModal"')[2]
        assert re.search(r'name="key"[^>]*value="T-1"', form)
        offered = set(re.findall(r'<(?:input|select)[^>]* name="(\w+)"', form, re.DOTALL))
        others = {"type", "key", "correlation_id", "since", "until"}
        assert offered == {"context", "limit", *others}
        blank = dict.fromkeys(offered, "") | {"key": "T-1"}
        assert keys(staff, **blank) == ["T-1"]
        assert re.search(r"<option[^>]*>dead<", browsed(staff, DELIVERIES))
        for without in (SUBSCRIPTIONS, INDEX):
            assert "filtersModal" not in browsed(staff, without)
        assert staff.get(EVENTS, {"limit": "x"}, headers={"accept": "text/html"}).status_code == 400


@on_sqlite
def test_only_superusers_reach_the_dashboard_of_django_rq(rest):
    """It empties queues and stops jobs, without a reason and without an audit."""
    doors = ["/admin/django_rq/dashboard/", "/admin/django_rq/dashboard/queues/0/empty/"]
    assert [Client().post(door).status_code for door in doors] == [302, 302]
    staff = somebody("retry_delivery", "view_delivery")
    assert [staff.post(door).status_code for door in doors] == [403, 403]
    User.objects.update(is_superuser=True)
    assert [staff.get(door).status_code for door in doors] == [200, 200]


class TestEvents:
    def test_are_listed_from_the_newest_page_by_page(self, staff):
        announce(sold(5))
        first = got(staff, EVENTS, limit=2)
        assert [event["key"] for event in first["results"]] == ["T-5", "T-4"]
        second = got(staff, first["next"])
        assert [event["key"] for event in second["results"]] == ["T-3", "T-2"]
        third = got(staff, second["next"])
        assert [event["key"] for event in third["results"]] == ["T-1"]
        assert third["next"] is None

    def test_are_shown_with_all_that_is_known(self, staff):
        announce(sold(1))
        steps.relay()
        stored = LoggedEvent.objects.using("kit").get()
        told = got(staff, f"{EVENTS}{stored.event_id}/")
        assert told["id"] == str(stored.event_id)
        assert (told["type"], told["key"]) == ("tickets.TicketSold", "T-1")
        assert (told["partition"], told["position"]) == (0, 1)
        assert told["data"] == {"number": "T-1"}
        assert datetime.fromisoformat(told["time"]) == stored.time

    def test_are_filtered(self, staff):
        announce([*sold(2), returned("T-1")])
        assert keys(staff, key="T-1") == ["T-1", "T-1"]
        assert keys(staff, type="tickets.TicketReturned") == ["T-1"]
        assert keys(staff, key="T-1", type="tickets.TicketSold") == ["T-1"]
        assert keys(staff, context="desk") == []
        assert keys(staff, context="tickets", limit=1) == ["T-1"]

    def test_are_found_by_what_they_belong_to(self, staff):
        announce(sold(3))
        rows = LoggedEvent.objects.using("kit")
        began = rows.get(key="T-1")
        rows.filter(key="T-1").update(correlation_id="")
        rows.filter(key="T-2").update(correlation_id=str(began.event_id))
        rows.filter(key="T-3").update(correlation_id="checkout-7")
        assert keys(staff, correlation_id=began.event_id) == ["T-2", "T-1"]
        assert keys(staff, correlation_id="checkout-7") == ["T-3"]
        assert keys(staff, correlation_id="nothing") == []

    def test_are_found_by_time(self, staff):
        announce(sold(9))
        noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
        for row in LoggedEvent.objects.using("kit").order_by("id"):
            number = int(row.key.removeprefix("T-"))
            LoggedEvent.objects.using("kit").filter(pk=row.pk).update(
                time=noon + timedelta(hours=number)
            )
        since, until = noon + timedelta(hours=3), noon + timedelta(hours=5)
        assert keys(staff, since=since.isoformat(), until=until.isoformat()) == ["T-4", "T-3"]
        assert keys(staff, since=(noon + timedelta(hours=9)).isoformat()) == ["T-9"]
        assert keys(staff, until=noon.isoformat()) == []
        assert keys(staff, since="0001-01-01T00:00:00Z", until="9999-12-31T23:59:59Z", limit=1)

    def test_without_an_index_a_page_looks_through_a_window_and_leads_on(self, staff, monkeypatch):
        announce([*sold(1), *[returned(f"R-{number}") for number in range(9)]])
        monkeypatch.setattr(pagination, "WINDOW", 4)
        found, path, pages = [], f"{EVENTS}?type=tickets.TicketSold", 0
        while path:
            told = got(staff, path)
            found += [event["key"] for event in told["results"]]
            path, pages = told["next"], pages + 1
        assert (found, pages) == (["T-1"], 3)
        assert keys(staff, key="T-1") == ["T-1"], "an index needs no window"

    @on_sqlite
    @pytest.mark.parametrize(
        "query",
        [
            *({"limit": limit} for limit in ("0", "501", "x", "9" * 50)),
            *({"before": before} for before in ("0", "-1", str(2**63), "x")),
            *({name: "a\0b"} for name in ("key", "type", "context", "correlation_id")),
            {"context": "nobody"},
            {"since": "yesterday"},
        ],
        ids=str,
    )
    def test_a_bad_parameter_is_named(self, staff, query):
        answer = staff.get(EVENTS, query)
        assert answer.status_code == 400
        assert list(answer.json()) == list(query)

    @on_sqlite
    def test_of_several_databases_want_the_context(self, staff, kit):
        kit.change("desk", database="default")
        assert staff.get(EVENTS).json().keys() == {"context"}
        announce(sold(1))
        assert keys(staff, context="tickets") == ["T-1"]
        assert keys(staff, context="desk") == []
        stored = LoggedEvent.objects.using("kit").get()
        assert got(staff, f"{EVENTS}{stored.event_id}/")["key"] == "T-1"

    @on_sqlite
    def test_that_are_not_here_are_not_found(self, staff):
        assert staff.get(f"{EVENTS}{uuid4()}/").status_code == 404


class TestALongLog:
    """No query walks through the table."""

    QUERIES = ({}, {"type": "x"}, {"key": "x"}, {"context": "tickets"})

    def test_is_only_read_by_an_index(self, staff, database):
        announce(sold(60))
        connection = connections["kit"]
        with CaptureQueriesContext(connection) as asked:
            for query in self.QUERIES:
                got(staff, EVENTS, **query, since="2026-01-01T00:00:00Z")
        plain = [each["sql"] for each in asked if each["sql"].startswith("SELECT")]
        assert plain
        with connection.cursor() as cursor:
            if database.startswith("postgres"):
                cursor.execute("SET enable_seqscan = off")  # 60 rows need no index
            for sql in plain:
                plan = self.plan_of(cursor, sql, database)
                assert "COUNT(" not in sql
                assert "Seq Scan" not in plan
                if "WHERE" in sql:  # without it, the first or last row by id is wanted
                    assert "SCAN" not in plan
                assert "TEMP B-TREE" not in plan
            if database.startswith("postgres"):
                cursor.execute("RESET enable_seqscan")

    def plan_of(self, cursor, sql: str, database: str) -> str:
        explain = "EXPLAIN QUERY PLAN" if database.startswith("sqlite") else "EXPLAIN"
        cursor.execute(f"{explain} {sql.replace('%', '%%')}")
        return "".join(f"{row[-1]}\n" for row in cursor.fetchall())


class TestCloudEvents:
    """As the official SDK reads them."""

    def test_one_event_is_read_by_the_sdk(self, staff):
        announce(sold(1))
        stored = LoggedEvent.objects.using("kit").get()
        answer = staff.get(f"{EVENTS}{stored.event_id}/", headers={"accept": CLOUD})
        assert answer.headers["Content-Type"].partition(";")[0] == CLOUD
        message = HTTPMessage({"content-type": CLOUD}, answer.content)
        event = from_structured_event(message, JSONFormat())
        assert event.get_id() == str(stored.event_id)
        assert event.get_source() == "/tickets"
        assert event.get_type() == "tickets.TicketSold"
        assert event.get_subject() == "T-1"
        assert event.get_specversion() == "1.0"
        assert event.get_time() == stored.time
        assert event.get_data() == {"number": "T-1"}

    def test_a_page_of_events_is_a_batch(self, staff):
        announce(sold(3))
        answer = staff.get(f"{EVENTS}?limit=2", headers={"accept": CLOUDS})
        assert answer.headers["Content-Type"].partition(";")[0] == CLOUDS
        events = [
            from_structured_event(HTTPMessage({}, json.dumps(each).encode()), JSONFormat())
            for each in json.loads(answer.content)
        ]
        assert [event.get_subject() for event in events] == ["T-3", "T-2"]
        link = answer.headers["Link"]
        assert link.endswith('>; rel="next"')
        last = staff.get(link[1:].partition(">")[0], headers={"accept": CLOUDS})
        assert [each["subject"] for each in json.loads(last.content)] == ["T-1"]
        assert "Link" not in last.headers

    @on_sqlite
    def test_what_an_event_carries_and_belongs_to_travels_as_text(self, staff):
        announce(sold(1))
        more = {"carries": "tickets.ticket", "carried": '{"number": "T-1"}', "causation_id": "c"}
        LoggedEvent.objects.using("kit").update(**more, traceparent="", correlation_id="b")
        stored = LoggedEvent.objects.using("kit").get()
        answer = staff.get(f"{EVENTS}{stored.event_id}/", headers={"accept": CLOUD})
        event = from_structured_event(HTTPMessage({}, answer.content), JSONFormat())
        assert event.get_extension("carried") == '{"number": "T-1"}'
        assert event.get_extension("correlationid") == "b"
        assert event.get_extension("causationid") == "c"
        assert event.get_extension("traceparent") is None

    @on_sqlite
    def test_data_that_somebody_broke_is_shown_as_text(self, staff):
        announce(sold(1))
        LoggedEvent.objects.using("kit").update(data="{broken")
        answer = staff.get(EVENTS, headers={"accept": CLOUDS})
        assert json.loads(answer.content)[0]["data"] == "{broken"

    @on_sqlite
    def test_a_refusal_is_no_cloud_event(self, staff):
        for path in (f"{EVENTS}{uuid4()}/", f"{EVENTS}?limit=0"):
            accept = CLOUDS if "?" in path else CLOUD
            answer = staff.get(path, headers={"accept": accept})
            assert answer.status_code in (400, 404)
            assert answer.headers["Content-Type"].partition(";")[0] == "application/json"


class TestSubscriptions:
    def test_tell_their_lag_and_their_deliveries(self, staff):
        @carveout.subscribe("tickets.TicketSold", max_attempts=1)
        def refuse(event):
            raise OSError("no")

        announce(sold(2))
        steps.flow()
        announce(sold(3, "U"))
        steps.relay()
        told = got(staff, f"{SUBSCRIPTIONS}desk.refuse/")
        assert [each["name"] for each in got(staff, SUBSCRIPTIONS)] == ["desk.refuse"]
        assert told["types"] == ["tickets.TicketSold"]
        (lag,) = told["lag"]
        assert (lag["context"], lag["partition"], lag["events"]) == ("tickets", 0, 3)
        assert lag["seconds"] > 0
        assert told["deliveries"] == {"waiting": 0, "queued": 0, "dead": 2, "trying": 0}
        assert staff.get(f"{SUBSCRIPTIONS}desk.nothing/").status_code == 404

    @on_sqlite
    def test_to_logs_elsewhere_are_told_of_without_redis_too(self, staff, rest, valkey):
        @carveout.subscribe("tickets.TicketSold")
        def hear(event): ...

        rest.change("tickets", url="http://127.0.0.1:1")
        rest.set(HOSTED=["desk"])
        valkey.stop()
        unknown = {"context": "tickets", "partition": 0, "events": None, "seconds": None}
        assert got(staff, f"{SUBSCRIPTIONS}desk.hear/")["lag"] == [unknown]


@on_sqlite
class TestDeliveries:
    @pytest.fixture
    def dead(self, rest) -> int:
        @carveout.subscribe("tickets.TicketSold", max_attempts=1)
        def refuse(event):
            raise OSError("no paper")

        announce(sold(1))
        steps.flow()
        return Delivery.objects.using("kit").get().pk

    def test_are_listed_and_shown(self, staff, dead):
        (row,) = got(staff, DELIVERIES, state="dead", subscription="desk.refuse")["results"]
        assert (row["id"], row["error"], row["attempts"]) == (dead, "no paper", 1)
        assert got(staff, f"{DELIVERIES}desk/{dead}/") == row
        assert got(staff, DELIVERIES, state="waiting")["results"] == []
        assert got(staff, DELIVERIES, context="tickets")["results"] == []
        assert staff.get(f"{DELIVERIES}tickets/{dead}/").status_code == 404
        assert staff.get(f"{DELIVERIES}nobody/{dead}/").status_code == 400

    def test_are_retried_by_who_may(self, rest, dead, caplog):
        path = f"{DELIVERIES}desk/{dead}/retry/"
        assert somebody("view_delivery").post(path).status_code == 403
        User.objects.all().delete()
        client = somebody("retry_delivery", "view_delivery")
        assert client.get(path).status_code == 405
        assert client.post(path).status_code == 400  # why?
        why = {"reason": "the printer has paper again"}
        with caplog.at_level("INFO", logger="carveout.audit"):
            assert client.post(path, why).json() == {"retried": 1}
        assert Delivery.objects.using("kit").get().state == "waiting"
        assert "somebody retried" in caplog.text
        assert why["reason"] in caplog.text
        assert why["reason"] in LogEntry.objects.get(object_id=str(dead)).change_message
        assert client.post(f"{DELIVERIES}desk/{10**30}/retry/", why).status_code == 404

    def test_are_not_retried_unseen(self, rest, dead):
        client = somebody("retry_delivery")
        answer = client.post(f"{DELIVERIES}desk/{dead}/retry/", {"reason": "blindly"})
        assert answer.status_code == 403
        assert Delivery.objects.using("kit").get().state == "dead"

    def test_a_page_of_somebody_else_can_retry_nothing(self, rest, dead):
        client = somebody("retry_delivery", "view_delivery")
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = client.cookies
        assert strict.post(f"{DELIVERIES}desk/{dead}/retry/", {"reason": "x"}).status_code == 403
        assert Delivery.objects.using("kit").get().state == "dead"
