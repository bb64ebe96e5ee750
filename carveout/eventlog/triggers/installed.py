"""Which triggers a database really has."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from carveout.eventlog.triggers import statements
from carveout.eventlog.triggers.announcement import Announcement


class Fault(NamedTuple):
    """A trigger that does not do its work."""

    trigger: str
    is_disabled: bool
    """It is there, but switched off."""
    found: str
    """What is wrong: `is missing`, `is disabled` or `is out of date`."""


# tgenabled: O fires, A fires always; D is disabled, R fires on a replica only.
_POSTGRESQL = """
    SELECT tgname, prosrc, tgenabled IN ('O', 'A')
    FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
    WHERE tgrelid = to_regclass(%s) AND NOT tgisinternal
"""
_SQLITE = "SELECT name, sql, 1 FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s"


def faults(announcement: Announcement, connection: Any) -> Iterator[Fault]:
    """The triggers of a table that are missing, disabled or not as they are declared now."""
    quoted = connection.ops.quote_name(announcement.table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRESQL, [quoted])
        else:
            cursor.execute(_SQLITE, [announcement.table])
        there = {name: (body, fires) for name, body, fires in cursor.fetchall()}
    for trigger in statements.triggers_of(announcement, connection.vendor):
        body, fires = there.get(trigger.name, (None, False))
        if body is None:
            yield Fault(trigger.name, False, "is missing")
        elif not fires:
            yield Fault(trigger.name, True, "is disabled")
        elif body.split() != trigger.body.split():
            yield Fault(trigger.name, False, "is out of date")
