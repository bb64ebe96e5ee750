"""The triggers of a table on SQLite: one run for each row. Source:
https://www.sqlite.org/lang_createtrigger.html
"""

from collections.abc import Sequence

from django.conf import settings

from carveout.eventlog.triggers import columns
from carveout.eventlog.triggers.announcement import Announcement
from carveout.eventlog.triggers.columns import identifier
from carveout.eventlog.triggers.trigger import INSERT, Trigger, name_of, values
from carveout.events.event import Event

VENDOR = "sqlite"
EVENT_ID = (
    "lower(hex(randomblob(6)) || '4' || substr(hex(randomblob(2)), 2)"
    " || '8' || substr(hex(randomblob(8)), 2))"
)
"""A random UUID of version 4, as Django stores it, with 120 random bits."""
ORIGIN = ("''", "''", "''")
"""`writers` fills it in: no trigger of the database can know what a program does."""


def triggers(announcement: Announcement) -> list[Trigger]:
    """The triggers of a table."""
    created, changed, deleted = announcement.created, announcement.changed, announcement.deleted
    identity = [*columns.primary_key(announcement.model), *columns.key_columns(announcement)]
    moved = _any_differs(identity)
    found = []
    if created:
        inserted = [_insert(announcement, created, "NEW")]
        found.append(_trigger(announcement, "created", "AFTER INSERT", "", inserted))
    if deleted:
        gone = [_insert(announcement, deleted, "OLD")]
        found.append(_trigger(announcement, "deleted", "AFTER DELETE", "", gone))
    if changed:
        watched = _any_differs(columns.watched_columns(announcement))
        when, row = f"({watched})\n    AND NOT ({moved})", [_insert(announcement, changed, "NEW")]
        found.append(_trigger(announcement, "changed", "AFTER UPDATE", when, row))
    if created or deleted:
        both = [_insert(announcement, deleted, "OLD")] if deleted else []
        both += [_insert(announcement, created, "NEW")] if created else []
        found.append(_trigger(announcement, "rekeyed", "AFTER UPDATE", moved, both))
    return found


def _trigger(
    announcement: Announcement, what: str, after: str, when: str, statements: Sequence[str]
) -> Trigger:
    name, table = name_of(announcement, what), identifier(announcement.table)
    condition = f"WHEN {when}\n" if when else ""
    inside = "\n    ".join(statements)
    create = (
        f"CREATE TRIGGER {identifier(name)} {after} ON {table}\n{condition}BEGIN\n    {inside}\nEND"
    )
    return Trigger(name, create, [create], [f"DROP TRIGGER IF EXISTS {identifier(name)}"])


def _insert(announcement: Announcement, event: type[Event], row: str) -> str:
    local = "" if settings.USE_TZ else ", 'localtime'"
    made = (EVENT_ID, f"strftime('%Y-%m-%d %H:%M:%f', 'now'{local}) || '000'")
    selected = values(announcement, event, VENDOR, row, made, ORIGIN)
    return f"{INSERT}\n    VALUES ({selected});"


def _any_differs(names: Sequence[str]) -> str:
    return " OR ".join(f"OLD.{each} IS NOT NEW.{each}" for each in map(identifier, names))
