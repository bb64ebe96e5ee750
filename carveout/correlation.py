"""Correlation: what belongs together, from a request through events to the lookups they lead to."""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from django.http import HttpRequest, HttpResponseBase

from carveout.event import ReceivedEvent, cause

HEADER = "X-Correlation-ID"
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class Correlation(NamedTuple):
    """What names a chain of work: its id, and its place in a W3C trace if it has one."""

    id: str
    traceparent: str = ""


_current: ContextVar[Correlation | None] = ContextVar("carveout_correlation", default=None)


class CorrelationMiddleware:
    """Gives the events of one request a correlation id, and says it in the answer.

    A client may bring its own in `X-Correlation-ID`, and a W3C `traceparent`. Both are names and
    nothing more: whoever sends them can have events listed together, and can't read anything.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        came = of_headers(request.headers)
        with using(came):
            response = self.get_response(request)
        response.headers[HEADER] = came.id
        return response


def of_headers(headers: Mapping[str, str]) -> Correlation:
    """What a request brings; a new id if it brings none that is fit to keep."""
    given = headers.get(HEADER, "")
    name = given if _SAFE.fullmatch(given) else str(uuid.uuid4())
    return Correlation(name, valid_traceparent(headers.get("traceparent", "")))


def valid_traceparent(text: str) -> str:
    """A traceparent as it is, or as version 00 has it if it is of a later one; "" if it is none.

    Source: https://www.w3.org/TR/trace-context/#traceparent-header
    """
    found = _TRACEPARENT.fullmatch(text)
    if not found:
        return ""
    version, trace, parent, flags, more = found.groups()
    if version == "ff" or not trace.strip("0") or not parent.strip("0"):
        return ""
    if version != "00":
        return f"00-{trace}-{parent}-{int(flags, 16) & 1:02x}"
    return "" if more else text


@contextmanager
def using(what: Correlation | None) -> Iterator[None]:
    """What is published or looked up inside the block belongs to this."""
    token = _current.set(what)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Correlation | None:
    """That of the event that is being handled; else what `using` says, such as the request's."""
    event = cause.get()
    return of_event(event) if event else _current.get()


def of_event(event: ReceivedEvent) -> Correlation:
    return Correlation(event.correlation_id or str(event.id), event.traceparent)


def shared(events: Sequence[ReceivedEvent]) -> Correlation | None:
    """What all of these events belong to; None if it is not the same."""
    first = of_event(events[0])
    same = all((each.correlation_id or str(each.id)) == first.id for each in events)
    return first if same else None


def headers(span: str = "") -> dict[str, str]:
    """What a request to another deployment takes along. span: the traceparent of our own span."""
    ours = current()
    traceparent = span or (ours.traceparent if ours else "")
    named = {HEADER: ours.id if ours else "", "traceparent": traceparent}
    return {name: value for name, value in named.items() if value}
