"""The triggers that record rows on PostgreSQL: one function for all tables.

Source: https://www.postgresql.org/docs/current/sql-createtrigger.html
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from django.apps import apps
from django.db import DatabaseError, transaction

from carveout.errors import CarveoutError
from carveout.models import LoggedEvent
from carveout.runtime.databases import states

FUNCTION = "carveout_record_row()"
LOCK_TIMEOUT_S = 2
"""A trigger waits for the table's writers, and new writers wait behind it for so long."""
TRIES = 3
_LOCKED, _FORBIDDEN, _NO_TABLE = "55P03", "42501", "42P01"

# JSON, and types with a cast to it such as hstore, are written as text: `null` is not NULL in it.
# What a session sets about formats must not make two texts of one row.
_FUNCTION = """
CREATE OR REPLACE FUNCTION carveout_record_row() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
SET timezone = 'UTC' SET datestyle = 'ISO' SET intervalstyle = 'postgres'
SET bytea_output = 'hex' SET extra_float_digits = 1 AS $carveout$
DECLARE
    recording text := current_setting('carveout.recording');
    in_table text := TG_TABLE_NAME;
    odd text;
    earlier text;
    later text;
BEGIN
    IF recording LIKE 'failed: %' THEN
        RETURN NULL;
    END IF;
    BEGIN
        SELECT relname INTO in_table FROM pg_class
            WHERE oid = coalesce(pg_partition_root(TG_RELID), TG_RELID);
        earlier := to_json(OLD)::text;
        later := to_json(NEW)::text;
        SELECT string_agg(format('%L, ($1).%I::text', attname, attname), ', ') INTO odd
            FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
            WHERE attrelid = TG_RELID AND EXISTS (
                SELECT FROM pg_cast
                WHERE castsource IN (pg_type.oid, typbasetype, typelem)
                AND casttarget = 'json'::regtype
                UNION ALL SELECT WHERE 'json'::regtype IN (pg_type.oid, typbasetype, typelem));
        IF odd IS NOT NULL THEN
            odd := format('SELECT $2 || substr(json_build_object(%s)::text, 2)', odd);
            IF earlier IS NOT NULL THEN
                EXECUTE odd INTO earlier USING OLD, left(earlier, -1) || ',';
            END IF;
            IF later IS NOT NULL THEN
                EXECUTE odd INTO later USING NEW, left(later, -1) || ',';
            END IF;
        END IF;
        INSERT INTO carveout_recordedrow (token, table_name, before, after)
            VALUES (recording, in_table, earlier, later);
    EXCEPTION WHEN OTHERS THEN  -- the statement that is recorded must not fail
        BEGIN
            INSERT INTO carveout_recordedrow (token, table_name, before)
                VALUES (recording, in_table, to_json(SQLERRM)::text);
        EXCEPTION WHEN OTHERS THEN
            PERFORM set_config(
                'carveout.recording', 'failed: ' || TG_TABLE_NAME || ': ' || SQLERRM, true);
        END;
    END;
    RETURN NULL;
END
$carveout$
"""
_TRIGGERS = {
    "carveout_row": "AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW",
    "carveout_truncated": "BEFORE TRUNCATE ON {table} FOR EACH STATEMENT",
}
_IF_RECORDED = f"""
    WHEN (current_setting('carveout.recording', true) <> '') EXECUTE FUNCTION {FUNCTION}
"""
# Partitions have clones of their table's triggers. tgenabled: O fires, A fires always.
_TABLES = """
    SELECT relname, format('%%I', relname), pg_get_userbyid(relowner), array(
        SELECT tgname::text FROM pg_trigger
        WHERE tgrelid = pg_class.oid AND tgfoid = to_regprocedure(%s) AND tgenabled IN ('O', 'A'))
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('r', 'p') AND NOT relispartition AND nspname = ANY(current_schemas(false))
        AND pg_table_is_visible(pg_class.oid) AND NOT relname = ANY(%s)
        AND NOT EXISTS (
            SELECT FROM pg_depend
            WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
    ORDER BY relname
"""


class NotRecorded(CarveoutError):
    """The changes of some tables can't be recorded. The message names them and the fix."""


class _Table(NamedTuple):
    name: str
    quoted: str
    owner: str
    triggers: Sequence[str]
    """Ours that it has, without those that are switched off."""


def install(connection: Any) -> list[str]:
    """See `row_images.install`."""
    try:
        _make_function(connection)
    except DatabaseError as error:
        if _FORBIDDEN not in states(error):
            raise
        raise NotRecorded(
            f"The function {FUNCTION} could not be made: {error}. Run this as the role that owns"
            " the tables."
        ) from error
    return _change(connection, [*_uncovered(connection)], _create)


def _make_function(connection: Any) -> None:
    with transaction.atomic(using=connection.alias, durable=True), connection.cursor() as cursor:
        # Two at once would update the same row of the catalog.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [FUNCTION])
        cursor.execute(_FUNCTION)


def remove(connection: Any) -> None:
    """See `row_images.remove`."""
    _change(connection, [each for each in _tables(connection) if each.triggers], _drop)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP FUNCTION IF EXISTS {FUNCTION} CASCADE")


def uncovered(connection: Any) -> list[str]:
    """See `row_images.uncovered`."""
    return [each.name for each in _uncovered(connection)]


def _uncovered(connection: Any) -> Iterator[_Table]:
    return (each for each in _tables(connection) if not {*_TRIGGERS} <= {*each.triggers})


def _tables(connection: Any) -> list[_Table]:
    ours = {each._meta.db_table for each in apps.get_app_config("carveout").get_models()}
    left_out = [*sorted(ours - {LoggedEvent._meta.db_table}), "django_migrations"]
    with connection.cursor() as cursor:
        cursor.execute(_TABLES, [FUNCTION, left_out])
        return [_Table(*row) for row in cursor.fetchall()]


def _create(table: _Table) -> list[str]:
    return [
        f"CREATE OR REPLACE TRIGGER {name} {when.format(table=table.quoted)} {_IF_RECORDED}"
        for name, when in _TRIGGERS.items()
    ]


def _drop(table: _Table) -> list[str]:
    return [f"DROP TRIGGER IF EXISTS {name} ON {table.quoted}" for name in _TRIGGERS]


def _change(
    connection: Any, tables: Sequence[_Table], statements: Callable[[_Table], list[str]]
) -> list[str]:
    """Returns: the tables that were changed. Raises: NotRecorded: some were not."""
    failed = {each.name: _why_not(connection, each, statements(each)) for each in tables}
    if any(failed.values()):
        reasons = ", ".join(f"{name} ({why})" for name, why in failed.items() if why)
        raise NotRecorded(f"Triggers could not be changed on: {reasons}.")
    return [*failed]


def _why_not(connection: Any, table: _Table, statements: list[str]) -> str:
    """Change one table. Returns: why it can't be changed and the fix; empty if it was."""
    for _ in range(TRIES):
        try:
            with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'")
                for each in statements:
                    cursor.execute(each)
        except DatabaseError as error:
            found = states(error)
            if _FORBIDDEN in found:
                return f"it belongs to the role {table.owner}; run this as that role"
            if _NO_TABLE in found:  # dropped meanwhile
                return ""
            if _LOCKED not in found:
                raise
        else:
            return ""
    return f"in use for {LOCK_TIMEOUT_S * TRIES} s; run this again when it is not"
