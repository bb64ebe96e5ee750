"""The triggers of a table on PostgreSQL: one run for each statement, however many rows it has.

Source: https://www.postgresql.org/docs/current/sql-createtrigger.html (REFERENCING)
"""

from collections.abc import Sequence

from carveout.eventlog.triggers import columns
from carveout.eventlog.triggers.announcement import Announcement
from carveout.eventlog.triggers.columns import identifier
from carveout.eventlog.triggers.trigger import INSERT, Trigger, name_of, values
from carveout.events.event import Event

VENDOR = "postgresql"
MADE = ("gen_random_uuid()", "clock_timestamp()")
ORIGIN = ("coalesce(origin[1], '')", "coalesce(origin[2], '')", "coalesce(origin[3], '')")
# It runs as its owner: another program needs no rights on the log. A program names the cause of
# what it does in a comment at the start of its statement; see `writers`.
OPENING = r"""
DECLARE
    origin text[] := regexp_match(
        left(current_query(), 300), '^/\*carveout ([\w.:-]{0,64}) ([\w-]{0,36}) ([\w-]{0,55})\*/');
BEGIN
"""
CLOSING = """
    RETURN NULL;
END
"""


def triggers(announcement: Announcement) -> list[Trigger]:
    """The triggers of a table."""
    found = []
    if created := announcement.created:
        inserted = _insert(announcement, created, "new_row", "new_rows AS new_row")
        found.append(_trigger(announcement, "created", inserted, "AFTER INSERT", ("NEW",)))
    if deleted := announcement.deleted:
        gone = _insert(announcement, deleted, "old_row", "old_rows AS old_row")
        found.append(_trigger(announcement, "deleted", gone, "AFTER DELETE", ("OLD",)))
        rows = f"{identifier(announcement.table)} AS old_row"
        emptied = _insert(announcement, deleted, "old_row", rows)
        found.append(_trigger(announcement, "truncated", emptied, "BEFORE TRUNCATE", ()))
    updated = "\n    ".join(filter(None, (_rekeyed(announcement), _changed(announcement))))
    found.append(_trigger(announcement, "changed", updated, "AFTER UPDATE", ("OLD", "NEW")))
    return found


def _trigger(
    announcement: Announcement, what: str, statements: str, when: str, tables: Sequence[str]
) -> Trigger:
    name, table = name_of(announcement, what), identifier(announcement.table)
    function, body = f"{identifier(name)}()", f"{OPENING}    {statements}{CLOSING}"
    rows = " ".join(f"{each} TABLE AS {each.lower()}_rows" for each in tables)
    create = (
        f"CREATE OR REPLACE FUNCTION {function} RETURNS trigger\n"
        "LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT"
        f" AS $carveout${body}$carveout$",
        f"CREATE TRIGGER {identifier(name)} {when} ON {table}\n"
        + (f"REFERENCING {rows}\n" if rows else "")
        + f"FOR EACH STATEMENT EXECUTE FUNCTION {function}",
    )
    # With its trigger, also if the table was renamed.
    return Trigger(name, body, create, (f"DROP FUNCTION IF EXISTS {function} CASCADE",))


def _insert(announcement: Announcement, event: type[Event], row: str, rows: str) -> str:
    selected = values(announcement, event, VENDOR, row, MADE, ORIGIN)
    return f"{INSERT}\n    SELECT {selected}\n    FROM {rows};"  # noqa: S608 (declared names)


def _changed(announcement: Announcement) -> str:
    if not announcement.changed:
        return ""
    differ = _any_differs(columns.watched_columns(announcement))
    rows = f"old_rows AS old_row JOIN new_rows AS new_row ON {_same_row(announcement)}"
    if keys := columns.key_columns(announcement):
        differ = f"({differ})\n        AND NOT ({_any_differs(keys)})"
    where = f"{rows}\n    WHERE {differ}"
    return _insert(announcement, announcement.changed, "new_row", where)


def _rekeyed(announcement: Announcement) -> str:
    """Announce a row under another key as another row; all that are gone before all new ones."""
    same, keys = _same_row(announcement), columns.key_columns(announcement)
    primary = identifier(columns.primary_key(announcement.model)[0])
    other = _any_differs(keys) if keys else "false"
    found = []
    for event, row, rows, match in (
        (announcement.deleted, "old_row", "old_rows", "new_row"),
        (announcement.created, "new_row", "new_rows", "old_row"),
    ):
        if event:
            joined = f"{rows} AS {row} LEFT JOIN {match}s AS {match} ON {same}"
            where = f"{joined}\n    WHERE {match}.{primary} IS NULL OR {other}"
            found.append(_insert(announcement, event, row, where))
    if not found:
        return ""
    return "\n    ".join(
        [
            "IF EXISTS (",
            f"    SELECT FROM old_rows AS old_row LEFT JOIN new_rows AS new_row ON {same}",
            f"    WHERE new_row.{primary} IS NULL OR {other}",
            ") THEN",
            *found,
            "END IF;",
        ]
    )


def _same_row(announcement: Announcement) -> str:
    primary = map(identifier, columns.primary_key(announcement.model))
    return " AND ".join(f"old_row.{each} = new_row.{each}" for each in primary)


def _any_differs(names: Sequence[str]) -> str:
    pairs = (f"old_row.{each} IS DISTINCT FROM new_row.{each}" for each in map(identifier, names))
    return " OR ".join(pairs)
