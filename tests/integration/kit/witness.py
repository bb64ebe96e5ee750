"""Witnesses: what a handler heard, and what the kit says of it."""

import logging

from carveout.events.event import ReceivedEvent
from tests.integration.kit.desk.models import note


class Unhandled(Exception):
    """What a handler raises that can't cope."""


class Ear:
    """Notes what it hears, and fails on bad events until it is mended."""

    def __init__(self) -> None:
        self.mended = False

    def hear(self, event: ReceivedEvent) -> None:
        if is_bad(event.key) and not self.mended:
            raise Unhandled(event.key)
        note(effect(event.position, event.id))


class Alarms(logging.Handler):
    """Collects what the kit says of logs that were restored or created anew."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if "was restored or recreated" in record.getMessage():
            self.messages.append(record.getMessage())


def is_bad(key: str) -> bool:
    return key.startswith("bad")


def effect(position: int, event_id: object) -> str:
    """What the ear notes of an event."""
    return f"{position} {event_id}"
