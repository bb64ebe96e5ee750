"""The SQL of a table's triggers, by kind of database."""

from collections.abc import Callable, Mapping

from carveout.eventlog.triggers import postgresql, sqlite
from carveout.eventlog.triggers.announcement import Announcement
from carveout.eventlog.triggers.trigger import Trigger

_BY_VENDOR: Mapping[str, Callable[[Announcement], list[Trigger]]] = {
    "postgresql": postgresql.triggers,
    "sqlite": sqlite.triggers,
}
VENDORS = tuple(_BY_VENDOR)


def triggers_of(announcement: Announcement, vendor: str) -> list[Trigger]:
    """The triggers that a table should have."""
    return _BY_VENDOR[vendor](announcement)


def create(announcement: Announcement, vendor: str) -> list[str]:
    """Statements that install the triggers."""
    return [each for trigger in triggers_of(announcement, vendor) for each in trigger.create]


def drop(announcement: Announcement, vendor: str) -> list[str]:
    """Statements that remove them, whether they are there or not."""
    return [each for trigger in triggers_of(announcement, vendor) for each in trigger.drop]
