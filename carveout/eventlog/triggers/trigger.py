"""A trigger, and what both databases insert into the log in it."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from django.db.backends.utils import truncate_name

from carveout.eventlog.triggers import columns
from carveout.eventlog.triggers.announcement import Announcement
from carveout.eventlog.triggers.columns import identifier, quoted
from carveout.events.event import Event, NewRecord, type_name

NAME_MAX = 63
"""Most bytes of a name in PostgreSQL."""
COLUMNS = [name for name in NewRecord._fields if name not in NewRecord._field_defaults]
"""Those that every event has; the others have defaults in the database."""
INSERT = f"INSERT INTO carveout_loggedevent ({', '.join(map(identifier, COLUMNS))})"


class Trigger(NamedTuple):
    """One trigger of a table."""

    name: str
    body: str
    """What the database shows of it, if it is this one and not another release's."""
    create: Sequence[str]
    drop: Sequence[str]


def name_of(announcement: Announcement, when: str) -> str:
    """The same for all releases: `carveout_shop_product_created`."""
    table = re.sub(r"\W+", "_", announcement.table).strip("_")
    return truncate_name(f"carveout_{table}_{when}", NAME_MAX, 8)


def values(
    announcement: Announcement,
    event: type[Event],
    vendor: str,
    row: str,
    made: tuple[str, str],
    origin: tuple[str, str, str],
) -> str:
    """The values of one event, as `INSERT` names the columns.

    made: its id and time; origin: what it belongs to and follows from, as the last columns have it.
    """
    event_id, time = made
    each = (
        event_id,
        time,
        quoted(announcement.context),
        quoted(type_name(event)),
        str(event.event_version),
        columns.key_in_sql(announcement, event, vendor, row),
        columns.data_in_sql(announcement, event, vendor, row),
        "''",
        "''",
        *origin,
    )
    return ",\n        ".join(each)
