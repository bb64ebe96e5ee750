"""Adds the event being handled to log lines, as text or JSON."""

import logging
import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from carveout.events.event import current_event, current_subscription
from carveout.telemetry import correlation
from carveout.telemetry.liveness import liveness

ABOUT = (*("worker", "subscription", "event_id", "event_type", "event_key", "correlation_id"),)
"""The attributes that the filter adds; empty text outside a handler."""

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_USUAL = {*vars(logging.makeLogRecord({})), "message", "asctime", *ABOUT}


class EventFilter(logging.Filter):
    """Adds to each record the event that it is about. Keeps every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        event = current_event.get()
        record.worker, record.subscription = liveness.name, current_subscription.get()
        record.event_id = str(event.id) if event else ""
        record.event_type = event.type if event else ""
        record.event_key = event.key if event else ""
        belongs_to = correlation.current()
        record.correlation_id = belongs_to.id if belongs_to else ""
        return True


class LineFormatter(logging.Formatter):
    """Formats a readable line: time, level, logger, message and event."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname:<7} {name}: {message}", style="{")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        parts = [getattr(record, name, "") for name in ("event_type", "event_key", "event_id")]
        about = " ".join([*filter(None, parts)])
        subscription = getattr(record, "subscription", "")
        if subscription:
            about = f"{subscription} of {about}" if about else subscription
        line = super().formatMessage(record)
        return _on_one_line(f"{line} [{about}]" if about else line)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's own name
        # An error about a file name that is not UTF-8 contains it, and no log file accepts that.
        return super().formatException(ei).encode("utf-8", "backslashreplace").decode()


class JsonFormatter(logging.Formatter):
    """Formats one JSON object per line. Values that JSON lacks become text."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **{name: getattr(record, name, "") for name in ABOUT},
            **{name: value for name, value in vars(record).items() if name not in _USUAL},
            "exception": self.formatException(record.exc_info) if record.exc_info else "",
            "stack": self.formatStack(record.stack_info) if record.stack_info else "",
        }
        kept = {name: value for name, value in entry.items() if value not in ("", None)}
        try:
            return _encode(kept)
        except (TypeError, ValueError, RecursionError):  # no `extra` may lose a line
            return _encode({name: repr(value) for name, value in kept.items()})


def _on_one_line(text: str) -> str:
    """With line breaks, other control characters and surrogates escaped.

    A key could forge a line, and a file refuses a surrogate.
    """
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _encode(entry: dict[str, Any]) -> str:
    return msgspec.json.encode(entry, enc_hook=str).decode()
