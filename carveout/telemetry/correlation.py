"""Passes a correlation id from a request through its events to the lookups that they cause."""

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from carveout.events.event import ReceivedEvent, current_event

HEADER = "X-Correlation-ID"
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class Correlation(NamedTuple):
    """Identifies a chain of work: its id, and its place in a W3C trace if it has one."""

    id: str
    traceparent: str = ""


_current: ContextVar[Correlation | None] = ContextVar("carveout_correlation", default=None)


def of_headers(headers: Mapping[str, str]) -> Correlation:
    """The correlation of a request; a new id if the request has no usable one."""
    given = headers.get(HEADER, "")
    name = given if _SAFE.fullmatch(given) else str(uuid.uuid4())
    return Correlation(name, valid_traceparent(headers.get("traceparent", "")))


def valid_traceparent(text: str) -> str:
    """A valid traceparent, in the form of version 00 if it is of a later one; "" if invalid.

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
    """Use this correlation for publishes and lookups inside the block."""
    token = _current.set(what)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Correlation | None:
    """That of the event being handled, or else that of `using`, such as the request's."""
    event = current_event.get()
    return of_event(event) if event else _current.get()


def of_event(event: ReceivedEvent) -> Correlation:
    return Correlation(event.correlation_id or str(event.id), event.traceparent)


def shared(events: Sequence[ReceivedEvent]) -> Correlation | None:
    """The correlation that all these events share; None if they differ."""
    first = of_event(events[0])
    same = all((each.correlation_id or str(each.id)) == first.id for each in events)
    return first if same else None


def headers(span: str = "") -> dict[str, str]:
    """Headers for a request to another deployment. span: the traceparent of the current span."""
    ours = current()
    traceparent = span or (ours.traceparent if ours else "")
    named = {HEADER: ours.id if ours else "", "traceparent": traceparent}
    return {name: value for name, value in named.items() if value}
