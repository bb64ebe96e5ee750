"""Correlation: from a request to events, handlers, jobs and lookups, and into the answer."""

import uuid
from typing import Any

import pytest
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

import carveout
from carveout.models import LoggedEvent
from carveout.telemetry import correlation
from carveout.telemetry.correlation import valid_traceparent
from tests.integration.kit import steps
from tests.integration.kit.desk.lookups import TicketToShow
from tests.integration.kit.desk.models import note, notes
from tests.integration.kit.tickets.events import TicketMoved
from tests.integration.kit.tickets.services import announce, sell, sold
from tests.integration.kit.web import Owner, serving

pytestmark = pytest.mark.usefixtures("kit", "rq_signals")

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def sell_two(request: HttpRequest) -> HttpResponse:
    sell("T-1", "T-2")
    return HttpResponse("sold")


urlpatterns = [path("sell/", sell_two), path("internal/", include("carveout.urls"))]


@pytest.fixture
def web(settings: Any) -> Client:
    """Gives: a client of a page that publishes two events."""
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = ["carveout.middleware.CorrelationMiddleware"]
    return Client()


def stored() -> list[tuple[str, str]]:
    rows = LoggedEvent.objects.using("kit").order_by("id")
    return list(rows.values_list("correlation_id", "traceparent"))


class Listening(Owner):
    """An owner that remembers with what headers it was asked."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.headers_seen = environ
        return super().__call__(environ, start_response)


def test_events_of_a_request_take_its_id_and_trace_and_the_answer_says_it(web):
    answer = web.get("/sell/", headers={"X-Correlation-ID": "form-7", "traceparent": TRACE})
    assert answer.headers["X-Correlation-ID"] == "form-7"
    assert stored() == [("form-7", TRACE), ("form-7", TRACE)]


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "<script>", "-x", "ä"])
def test_a_request_without_a_fit_id_gets_a_new_one(web, given):
    answers = [web.get("/sell/", headers={"X-Correlation-ID": given})]
    (first, _), (second, _) = stored()
    assert answers[0].headers["X-Correlation-ID"] == first == second
    assert str(uuid.UUID(first)) == first


def test_a_request_leaves_nothing_to_the_next(web):
    web.get("/sell/", headers={"X-Correlation-ID": "form-7"})
    assert correlation.current() is None
    announce(sold(1, "R"))
    assert stored()[-1] == ("", "")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (TRACE, TRACE),
        (TRACE.replace("00-4", "01-4") + "-more", TRACE),
        (TRACE + "-more", ""),
        (TRACE.upper(), ""),
        (TRACE.replace("00-4", "ff-4"), ""),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", ""),
        (f"00-{'a' * 32}-{'0' * 16}-01", ""),
        (f"{TRACE},{TRACE}", ""),
        ("", ""),
    ],
)
def test_only_a_valid_traceparent_is_kept(given, kept):
    assert valid_traceparent(given) == kept


def test_an_event_that_is_its_own_root_stores_no_id_and_is_received_with_its_own():
    @carveout.subscribe("tickets.TicketSold")
    def listen(event):
        note(event.correlation_id == str(event.id))

    announce(sold(1))
    assert stored() == [("", "")]
    steps.flow()
    assert notes() == ["True"]


@pytest.mark.parametrize("via", ["consumer", "rq"])
def test_it_goes_from_a_request_through_handlers_to_what_they_cause_and_look_up(web, kit, via):
    @carveout.subscribe("tickets.TicketSold")
    def seat(event):
        carveout.publish(TicketMoved(number=event.key, seat=7))

    @carveout.subscribe("tickets.TicketMoved", via=via)
    def show(event, ticket: TicketToShow):
        note(f"{event.correlation_id} {event.traceparent}")
        if event.key == "T-1":
            carveout.publish(TicketMoved(number="over", seat=1))

    answers = b'{"T-1": {"number": "T-1", "title": "x"}, "T-2": {"number": "T-2", "title": "x"},'
    owner = Listening(body=answers + b' "over": {"number": "over", "title": "x"}}')
    web.get("/sell/", headers={"X-Correlation-ID": "form-7", "traceparent": TRACE})
    with serving(owner) as url:
        kit.set(LOOKUPS="http")
        kit.change("tickets", url=url)
        for _ in range(3):
            steps.flow()
            call_command("work", "desk", once=True, verbosity=0)
    assert owner.headers_seen["HTTP_X_CORRELATION_ID"] == "form-7"
    assert owner.headers_seen["HTTP_TRACEPARENT"] == TRACE
    assert set(stored()) == {("form-7", TRACE)}
    assert set(notes()) == {f"form-7 {TRACE}"}
    assert LoggedEvent.objects.using("kit").filter(key="over").count() == 1


def test_a_lookup_for_events_of_several_requests_names_none(kit):
    @carveout.subscribe("tickets.TicketSold")
    def show(event, ticket: TicketToShow): ...

    owner = Listening(body=b"{}")
    sell("T-1", "T-2")
    steps.relay()
    with serving(owner) as url:
        kit.set(LOOKUPS="http")
        kit.change("tickets", url=url)
        steps.consume()
    assert "HTTP_X_CORRELATION_ID" not in owner.headers_seen


@pytest.mark.parametrize("delivery", ["streams", "inline"])
def test_a_batch_handler_can_t_say_which_event_caused_what_it_publishes(kit, delivery):
    @carveout.subscribe("tickets.TicketSold", batch=True)
    def seat(events):
        carveout.publish(TicketMoved(number="T-1", seat=7))

    kit.set(DELIVERY=delivery)
    with correlation.using(correlation.Correlation("form-7")):
        announce(sold(1))
    if delivery == "streams":
        steps.flow()
    assert stored()[-1] == ("", "")
