"""Creates OpenTelemetry spans, if its API is installed and a provider is set.

Install the extra `otel`. One span for each publish, one for each batch and attempt, linked to the
traces of its events, and one for each request of a lookup.
Source: https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
"""

import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

LINKS_MAX = 128
"""Most links of one span; the SDK keeps no more by default."""
Span = AbstractContextManager[Any]

_nothing = nullcontext()


def wanted() -> bool:
    """Whether a provider is set. Without one, spans would only cost time.

    If nothing has imported the API, which takes 50 ms, there is no provider.
    """
    trace = sys.modules.get("opentelemetry.trace")
    return trace is not None and not isinstance(
        trace.get_tracer_provider(), trace.ProxyTracerProvider
    )


def publishing(type_name: str, traceparent: str) -> Span:
    """A span around one publish. traceparent: its parent, if there is no current span."""
    if not wanted():
        return _nothing
    from opentelemetry.trace import SpanKind

    attributes = {"messaging.system": "carveout", "messaging.destination.name": type_name}
    above = None if _current().is_valid else _context(traceparent)
    return _start(f"publish {type_name}", SpanKind.PRODUCER, attributes, context=above)


def handling(name: str, traceparents: Iterable[str]) -> Span:
    """A span around a batch or an attempt. traceparents: those of its events."""
    if not wanted():
        return _nothing
    from opentelemetry import trace

    attributes = {"messaging.system": "carveout", "messaging.operation.type": "process"}
    different = list(dict.fromkeys(each for each in traceparents if each))[:LINKS_MAX]
    links = [
        trace.Link(trace.get_current_span(_context(each)).get_span_context()) for each in different
    ]
    return _start(f"process {name}", trace.SpanKind.CONSUMER, attributes, links=links)


def looking_up(resource: str, traceparent: str) -> Span:
    """A span around one request to another deployment."""
    if not wanted():
        return _nothing
    from opentelemetry.trace import SpanKind

    above = None if _current().is_valid else _context(traceparent)
    attributes = {"http.request.method": "GET", "url.template": resource}
    return _start(f"GET {resource}", SpanKind.CLIENT, attributes, context=above)


def traceparent() -> str:
    """The traceparent of the current span, or ""."""
    if not wanted() or not _current().is_valid:
        return ""
    carrier: dict[str, str] = {}
    _propagator().inject(carrier)
    return carrier.get("traceparent", "")


def _propagator() -> Any:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator()


def _current() -> Any:
    from opentelemetry import trace

    return trace.get_current_span().get_span_context()


def _context(traceparent: str) -> Any:
    return _propagator().extract({"traceparent": traceparent})


def _start(name: str, kind: Any, attributes: dict[str, str], **options: Any) -> Span:
    from opentelemetry import trace

    return trace.get_tracer("carveout").start_as_current_span(
        name, kind=kind, attributes=attributes, **options
    )
