"""Spans for OpenTelemetry, if its API is installed and somebody set a provider; else nothing.

Install the extra `otel`. One span for each publish, one for each batch and attempt, linked to the
traces of its events, and one for each request of a lookup.
Source: https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

try:
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError:
    trace = None  # type: ignore[assignment]

LINKS_MAX = 128
"""Of one span; the SDK keeps no more by default."""
Span = AbstractContextManager[Any]

_nothing = nullcontext()


def wanted() -> bool:
    """Did somebody set a provider? Spans that nobody gets would cost time only."""
    return trace is not None and not isinstance(
        trace.get_tracer_provider(), trace.ProxyTracerProvider
    )


def publishing(type_name: str, traceparent: str) -> Span:
    """Around one publish. traceparent: what it belongs to, if no span is under way here."""
    if not wanted():
        return _nothing
    attributes = {"messaging.system": "carveout", "messaging.destination.name": type_name}
    above = None if _current().is_valid else _context(traceparent)
    return _start(f"publish {type_name}", trace.SpanKind.PRODUCER, attributes, context=above)


def handling(name: str, traceparents: Iterable[str]) -> Span:
    """Around a batch or an attempt. traceparents: those of its events."""
    if not wanted():
        return _nothing
    attributes = {"messaging.system": "carveout", "messaging.operation.type": "process"}
    different = list(dict.fromkeys(each for each in traceparents if each))[:LINKS_MAX]
    links = [
        trace.Link(trace.get_current_span(_context(each)).get_span_context()) for each in different
    ]
    return _start(f"process {name}", trace.SpanKind.CONSUMER, attributes, links=links)


def looking_up(resource: str, traceparent: str) -> Span:
    """Around one request to another deployment."""
    if not wanted():
        return _nothing
    above = None if _current().is_valid else _context(traceparent)
    attributes = {"http.request.method": "GET", "url.template": resource}
    return _start(f"GET {resource}", trace.SpanKind.CLIENT, attributes, context=above)


def traceparent() -> str:
    """That of the span that is under way here; "" if there is none."""
    if not wanted() or not _current().is_valid:
        return ""
    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent", "")


def _current() -> Any:
    return trace.get_current_span().get_span_context()


def _context(traceparent: str) -> Any:
    return TraceContextTextMapPropagator().extract({"traceparent": traceparent})


def _start(name: str, kind: Any, attributes: dict[str, str], **options: Any) -> Span:
    return trace.get_tracer("carveout").start_as_current_span(
        name, kind=kind, attributes=attributes, **options
    )
