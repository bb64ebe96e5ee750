"""Spans: with OpenTelemetry a trace leads from a publish to its handlers; without, nothing."""

import subprocess
import sys

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

import carveout
from carveout.models import LoggedEvent
from carveout.telemetry import correlation, spans
from carveout.telemetry.correlation import Correlation
from tests.copies import ROOT
from tests.integration.kit import steps
from tests.integration.kit.desk.lookups import TicketToShow
from tests.integration.kit.tickets.services import announce, sell, sold
from tests.integration.kit.web import Owner, serving

pytestmark = [
    pytest.mark.usefixtures("kit"),
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def exported(monkeypatch):
    """A provider for this test alone. Gives: where its spans end."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


def of_kind(exporter, kind):
    return [each for each in exporter.get_finished_spans() if each.kind == kind]


def test_a_publish_a_batch_an_attempt_and_a_lookup_have_spans_of_one_trace(exported, kit):
    troubles = [KeyError("broken")]

    @carveout.subscribe("tickets.TicketSold")
    def show(event, ticket: TicketToShow):
        if troubles:
            raise troubles[0]

    owner = Owner(body=b'{"T-1": {"number": "T-1", "title": "x"}}')
    with serving(owner) as url:
        kit.set(LOOKUPS="http")
        kit.change("tickets", url=url)
        with trace.get_tracer("test").start_as_current_span("a request") as request:
            sell("T-1")
        steps.flow()
        troubles.clear()
        steps.until(lambda: len(of_kind(exported, SpanKind.CONSUMER)) >= 2)

    trace_id = request.get_span_context().trace_id
    (published,) = of_kind(exported, SpanKind.PRODUCER)
    assert published.context.trace_id == trace_id
    assert published.name == "publish tickets.TicketSold"
    row = LoggedEvent.objects.using("kit").get()
    assert row.traceparent.split("-")[2] == f"{published.context.span_id:016x}"
    handled = of_kind(exported, SpanKind.CONSUMER)
    assert [each.name for each in handled][:2] == [
        "process tickets.0 for desk",
        "process desk.show",
    ]
    assert {link.context.span_id for each in handled for link in each.links} == {
        published.context.span_id
    }
    asked = of_kind(exported, SpanKind.CLIENT)
    assert asked[0].name == "GET lookups/tickets.ticket/"
    assert asked[0].context.trace_id == trace_id


def test_without_a_span_of_our_own_the_trace_of_the_request_goes_on(exported):
    with correlation.using(Correlation("form-7", TRACE)):
        announce(sold(1))
    (published,) = of_kind(exported, SpanKind.PRODUCER)
    assert f"{published.context.trace_id:032x}" == TRACE.split("-")[1]
    assert f"{published.parent.span_id:016x}" == TRACE.split("-")[2]


def test_while_nobody_wants_spans_there_are_none():
    with spans.publishing("tickets.TicketSold", TRACE), spans.handling("desk", [TRACE]):
        assert spans.traceparent() == ""
    announce(sold(1))
    assert LoggedEvent.objects.using("kit").get().traceparent == ""


def test_it_is_not_needed():
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from carveout.telemetry import spans\n"
        "with spans.publishing('a.B', ''), spans.handling('a', []), spans.looking_up('x/', ''):\n"
        "    print(repr(spans.traceparent()))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "''\n"
