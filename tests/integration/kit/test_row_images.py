"""Recorded rows: whatever changes them is recorded, and can be put back exactly."""
# ruff: noqa: S608 (a test's own names)

import random
import sqlite3
import struct
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from decimal import Decimal
from functools import partial

import psycopg
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connections, transaction
from django.db.models import F

from carveout.errors import NotInTransaction
from carveout.models import LoggedEvent, RecordedRow
from carveout.seams.effects import postgresql_triggers, row_images
from carveout.seams.effects.effects import RowImage
from carveout.seams.effects.row_images import AlreadyRecording, RecordedRows
from carveout.seams.effects.undo import MovedOn, NotPutBack, undo
from tests.integration.kit import threads
from tests.integration.kit.conftest import connected
from tests.integration.kit.desk.models import Note, note
from tests.integration.kit.tickets import stalls
from tests.integration.kit.tickets.stalls import Stall, Visit

pytestmark = pytest.mark.usefixtures("kit", "triggers")
on_postgres = pytest.mark.parametrize("database", ["postgres"], indirect=True)
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

STALLS, VISITS, NOTES = (each.objects.using("kit") for each in (Stall, Visit, Note))
THEIRS = ("kit_tickets_stall", "kit_tickets_visit", "kit_desk_note")


class RolledBack(Exception):
    """Ends a block whose changes must not stay."""


@pytest.fixture
def triggers(kit) -> Iterator[None]:
    row_images.install("kit")
    yield
    RecordedRow.objects.using("kit").all().delete()


@pytest.fixture(scope="module", autouse=True)
def _removed_at_last(kit_databases: Callable[[str], str], django_db_blocker) -> Iterator[None]:
    yield
    with django_db_blocker.unblock(), connected(kit_databases("postgres")):
        row_images.remove("kit")


def is_postgres() -> bool:
    return connections["kit"].vendor == "postgresql"


def run(sql: str, *values: object) -> None:
    with connections["kit"].cursor() as cursor:
        cursor.execute(sql, values or None)


def selected(sql: str) -> list[tuple]:
    with connections["kit"].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


@contextmanager
def made(*statements: str, drop: str) -> Iterator[None]:
    """Inside the block there are tables of a test's own."""
    try:
        for each in statements:
            run(each)
        row_images.install("kit")
        yield
    finally:
        for each in drop.split(", "):
            run(f"DROP TABLE IF EXISTS {each}" + (" CASCADE" if is_postgres() else ""))


def world(*tables: str) -> dict[str, list[str]]:
    """All rows, as text that tells every difference."""
    row = "{}::text" if is_postgres() else "*"
    found = {}
    for each in tables:
        sql = f"SELECT {row.format('given')} FROM {each} AS given"
        found[each] = sorted(map(repr, selected(sql)))
    return found


def recorded(call: Callable[[], object], *, in_block: bool = True) -> RecordedRows:
    """Run a call, and read what was recorded."""
    token = uuid.uuid4().hex
    with (
        transaction.atomic(using="kit") if in_block else nullcontext(),
        row_images.recording("kit", token) as problems,
    ):
        call()
    assert problems == []
    return row_images.read("kit", token)


@contextmanager
def rolled_back() -> Iterator[None]:
    with suppress(RolledBack), transaction.atomic(using="kit"), transaction.atomic(using="kit"):
        yield
        raise RolledBack


def can_be_undone(call: Callable[[], object], *tables: str, in_block: bool = True) -> RecordedRows:
    """Run a call. Undo gives exactly the rows of before, and rolling that back those of after."""
    before = world(*tables)
    found = recorded(call, in_block=in_block)
    after = world(*tables)
    assert found.problems == []
    assert after != before
    with rolled_back():
        undo("kit", found.rows)
        assert world(*tables) == before
    assert world(*tables) == after
    return found


def kinds(found: RecordedRows) -> list[str]:
    """Table and kind of each change."""
    return [f"{row.table.rpartition('_')[2]} {kind(row)}" for row in found.rows]


def kind(row: RowImage) -> str:
    if row.before is None:
        return "inserted"
    return "deleted" if row.after is None else "updated"


# What is recorded


@pytest.mark.parametrize("in_block", [True, False])
def test_everything_that_writes_is_recorded_and_can_be_undone(in_block):
    kept = STALLS.create(number="S-0", price=Decimal("1.50"))

    def call():
        STALLS.bulk_create(Stall(number=f"S-{each}") for each in range(1, 4))
        STALLS.update(price=F("price") + 1)
        kept.title = "saved"
        kept.save(using="kit")
        VISITS.create(code=uuid.uuid4(), stall=kept)
        run("UPDATE kit_tickets_stall SET rank = 7 WHERE number = %s", "S-2")
        STALLS.bulk_create(
            [Stall(number="S-3", price=9), Stall(number="S-4")],
            update_conflicts=True,
            unique_fields=["number"],
            update_fields=["price"],
        )
        STALLS.get(number="S-3").delete()
        note("done")

    found = can_be_undone(call, *THEIRS, in_block=in_block)
    assert kinds(found) == [
        *["stall inserted"] * 3,
        *["stall updated"] * 5,
        "visit inserted",
        "stall updated",
        *["stall updated", "stall inserted"],
        "stall deleted",
        "note inserted",
    ]


def test_an_image_has_the_values_of_the_columns():
    def call():
        STALLS.create(number='S"\\ü', price=Decimal("1.50"))
        STALLS.update(price=Decimal("12.00"))

    inserted, updated = recorded(call).rows
    assert inserted.before is None
    assert updated.before == inserted.after
    assert updated.after["number"] == 'S"\\ü'
    if is_postgres():
        assert str(updated.after["price"]) == "12.00"
        assert updated.after["is_open"] is True
    assert {k: v for k, v in updated.after.items() if v != updated.before[k]} == {"price": 12}


def test_cascades_are_recorded_whoever_does_them():
    first, second = STALLS.create(number="S-1"), STALLS.create(number="S-2")
    VISITS.bulk_create(Visit(code=uuid.uuid4(), stall=each) for each in (first, second, second))
    tables = THEIRS[:2]
    by_django = can_be_undone(lambda: (first.visit_set.all().delete(), first.delete()), *tables)
    assert kinds(by_django) == ["visit deleted", "stall deleted"]
    by_database = can_be_undone(lambda: STALLS.all()._raw_delete("kit"), *tables)
    assert sorted(kinds(by_database)) == ["stall deleted", "visit deleted", "visit deleted"]


def test_nothing_is_recorded_without_a_recording():
    recorded(lambda: note("recorded"))
    RecordedRow.objects.using("kit").all().delete()
    note("not recorded")
    with transaction.atomic(using="kit"):
        with row_images.recording("kit", "token"):
            pass
        note("not recorded")
    with pytest.raises(RolledBack), row_images.recording("kit", "token"):
        raise RolledBack
    block = transaction.atomic(using="kit")
    with pytest.raises(RolledBack), block, row_images.recording("kit", "token"):
        raise RolledBack
    with transaction.atomic(using="kit"):
        with suppress(RolledBack), row_images.recording("kit", "token"):
            raise RolledBack
        note("not recorded")
    assert not RecordedRow.objects.using("kit").exists()


def test_what_another_connection_does_is_not_recorded(database):
    def other():
        insert = "INSERT INTO kit_desk_note (text) VALUES ('other')"
        if is_postgres():
            with psycopg.connect(database) as connection:
                connection.execute(insert)
        else:
            connection = sqlite3.connect(database.removeprefix("sqlite:///"))
            connection.execute(insert)
            connection.commit()
            connection.close()
        threads.at_once(lambda: note("of a thread"))

    found = recorded(lambda: (note("ours"), other()), in_block=False)
    assert [row.after["text"] for row in found.rows] == ["ours"]


@pytest.mark.parametrize("in_block", [True, False])
def test_a_rolled_back_savepoint_leaves_only_what_was_before_and_after_it(in_block):
    def call():
        with transaction.atomic(using="kit"):
            with pytest.raises(RolledBack), transaction.atomic(using="kit"):
                note("rolled back")
                raise RolledBack
            note("first")
            with pytest.raises(RolledBack), transaction.atomic(using="kit"):
                with pytest.raises(DatabaseError), transaction.atomic(using="kit"):
                    STALLS.bulk_create([Stall(number="S-1"), Stall(number="S-1")])
                note("rolled back")
                raise RolledBack
            note("second")

    found = can_be_undone(call, *THEIRS, in_block=in_block)
    assert [row.after["text"] for row in found.rows] == ["first", "second"]


def test_each_transaction_of_a_call_without_one_is_recorded():
    block = transaction.atomic(using="kit")  # as a decorator: the same object each time

    def call():
        for each in range(3):
            with block:
                note(f"kept {each}")
            with pytest.raises(RolledBack), block:
                note("rolled back")
                raise RolledBack
            note(f"alone {each}")
        list(NOTES.all())
        NOTES.filter(text="kept 1").delete()

    found = can_be_undone(call, *THEIRS, in_block=False)
    texts = [(row.after or row.before)["text"] for row in found.rows]
    assert texts == [f"{how} {each}" for each in range(3) for how in ("kept", "alone")] + ["kept 1"]


@on_postgres
def test_no_setting_remains_for_the_next_user_of_a_session():
    setting = "SELECT coalesce(current_setting('carveout.recording', true), '')"

    def call():
        assert selected(setting) == [("",)]
        note("alone")
        assert selected(setting) == [("",)]
        with transaction.atomic(using="kit"):
            note("in a block")
        assert selected(setting) == [("",)]

    recorded(call, in_block=False)
    with transaction.atomic(using="kit"):
        recorded(lambda: note("in a block"))
        assert selected(setting) == [("",)]


@on_postgres
def test_a_recording_costs_two_statements_in_a_transaction(django_assert_num_queries):
    with (
        transaction.atomic(using="kit"),
        django_assert_num_queries(5, connection=connections["kit"]),
        row_images.recording("kit", "token"),
    ):
        note("one")
        NOTES.count()
        note("two")


def test_a_failed_statement_stays_the_error_that_it_is():
    STALLS.create(number="S-1")
    for block in (transaction.atomic(using="kit"), nullcontext()):
        recording = row_images.recording("kit", "token")
        with pytest.raises(DatabaseError, match=r"(?i)unique"), block, recording:
            STALLS.create(number="S-1")
    assert recorded(lambda: note("the next one works")).rows


def test_a_recording_in_a_recording_is_refused():
    with row_images.recording("kit", "token"):
        with pytest.raises(AlreadyRecording), row_images.recording("kit", "other"):
            pass
        note("recorded")
    assert len(row_images.read("kit", "token").rows) == 1
    row_images.forget("kit", "token")
    assert row_images.read("kit", "token") == ([], [])


def test_carveouts_own_tables_are_left_out_but_not_the_log():
    with stalls.announced():
        row_images.install("kit")
        found = can_be_undone(lambda: STALLS.create(number="S-1"), *THEIRS)
    assert sorted(kinds(found)) == ["loggedevent inserted", "stall inserted"]
    assert LoggedEvent.objects.using("kit").count() == 1


# What is put back


POSTGRES_TYPES = {
    "amount numeric": ["1.50", "1.500", "'NaN'", "123456789012345678901234567890.0001"],
    "fixed numeric(10, 2)": ["12.50", "0"],
    "tiny smallint": ["-32768"],
    "number bigint": ["9223372036854775807"],
    "single real": ["0.1", "'-0'"],
    "double float8": ["0.1::float8 + 0.2", "'Infinity'", "1e-300", "'NaN'"],
    "flag boolean": ["true", "false"],
    "letters text": ["E'\\\\ \" \\n \\t \\x01 ü 🎪 %s'", "''", "'null'"],
    "padded char(5)": ["'a'"],
    "bytes bytea": ["'\\x00ff5c22'", "''"],
    "plain json": ['\'{"b" : 1.50, "a":[1,  2], "b":2}\'', "'null'", "'\"text\"'", "'1.10'"],
    "parsed jsonb": ['\'{"b": 1.50, "a": ["\\u00fc", null]}\'', "'null'", "'\"text\"'"],
    "several jsonb[]": ["ARRAY['null', NULL, '{\"a\": 1.0}']::jsonb[]"],
    "of_domain document": ["'null'", "'{\"a\": [1.0]}'"],
    "day date": ["'2026-02-01'", "'infinity'", "'0044-03-15 BC'"],
    "moment timestamptz": ["'2026-01-31 12:00:00.000001+05:30'", "'-infinity'"],
    "local timestamp": ["'2026-01-31 12:00:00.123456'"],
    "clock timetz": ["'12:00:00.000001+02'"],
    "span interval": ["'1 year -2 days 00:00:00.000001'", "'-1 month -3 hours'"],
    "id_ uuid": ["gen_random_uuid()"],
    "texts text[]": ['\'{a,NULL,"b,\\"c"}\'', "'{}'"],
    "matrix numeric[]": ["'{{1.0,2.00},{3,4}}'"],
    "times timestamptz[]": ["'{2026-01-31 12:00:00.000001+05:30}'"],
    "period tstzrange": ["'[2026-01-01 00:00+02,)'", "'empty'"],
    "numbers nummultirange": ["'{[1.0,2.50),(3,4]}'"],
    "address inet": ["'10.0.0.1/8'"],
    "bits bit varying": ["B'0101'"],
    "words tsvector": ["to_tsvector('english', 'the quick brown foxes')"],
    "place point": ["'(0.1,2)'"],
    "pairs hstore": ["'a=>1, \"b c\"=>NULL'", "''"],
    "mood mood": ["'so so'"],
    "kept numeric GENERATED ALWAYS AS (fixed * 2) STORED": [],
}


ODD_SESSION = (
    *("datestyle = 'SQL, DMY'", "intervalstyle = 'sql_standard'", "timezone = 'Asia/Kolkata'"),
    *("bytea_output = 'escape'", "extra_float_digits = 0"),
)
PLAIN_SESSION = (
    *("datestyle = 'ISO'", "intervalstyle = 'postgres'", "timezone = 'UTC'"),
    *("bytea_output = 'hex'", "extra_float_digits = 1"),
)


@contextmanager
def types_of_postgres() -> Iterator[list[str]]:
    """Inside the block there are two tables with all types. Gives: the names of the columns."""
    columns = ", ".join(POSTGRES_TYPES)
    try:
        run("CREATE EXTENSION IF NOT EXISTS hstore")
        run("CREATE TYPE mood AS ENUM ('so so', 'well')")
        run("CREATE DOMAIN document AS jsonb")
        with made(
            f"CREATE TABLE types (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, {columns})",
            "CREATE TABLE copies (LIKE types INCLUDING ALL)",
            drop="types, copies",
        ):
            yield [each.partition(" ")[0] for each in POSTGRES_TYPES if "GENERATED" not in each]
    finally:
        run("DROP TYPE IF EXISTS mood")
        run("DROP DOMAIN IF EXISTS document")
        run("DROP EXTENSION IF EXISTS hstore")


def set_local(session: tuple[str, ...]) -> None:
    for setting in session:
        run(f"SET LOCAL {setting}")


@on_postgres
@pytest.mark.parametrize(
    ("of_call", "of_undo"), [(PLAIN_SESSION, ODD_SESSION), (ODD_SESSION, PLAIN_SESSION)]
)
def test_all_types_of_postgres_are_put_back_exactly(of_call, of_undo):
    with types_of_postgres() as columns, transaction.atomic(using="kit"):
        for column, values in POSTGRES_TYPES.items():
            name, type_ = column.split(" ", 1)
            for value in values:
                run(f"INSERT INTO types ({name}) VALUES (({value})::{type_})")
        run("INSERT INTO types DEFAULT VALUES")
        names, empty = ", ".join(columns), ", ".join(f"{each} = NULL" for each in columns)

        def call():
            run(f"INSERT INTO copies ({names}) SELECT {names} FROM types ORDER BY id")
            run(f"UPDATE types SET {empty} WHERE id % 2 = 0")
            run("DELETE FROM types WHERE id % 3 = 0")
            run(f"UPDATE types SET {empty} WHERE id % 3 = 1")
            run("DELETE FROM copies WHERE id % 2 = 0")

        set_local(PLAIN_SESSION)
        before = world("types", "copies")
        set_local(of_call)
        found = recorded(call)
        set_local(of_undo)
        undo("kit", found.rows)
        set_local(PLAIN_SESSION)
        assert world("types", "copies") == before
        assert len(before["types"]) > 50


@on_sqlite
def test_all_values_of_sqlite_are_put_back_exactly():
    values = [
        *(None, 0, -1, 2**63 - 1, -(2**63), 0.1, 1 / 3, 5.0, 1e300, 5e-324, float("inf")),
        *(-float("inf"), "", "it's\0\"\\\n\x01 ü 🎪 %s", "1", "1.0", "X'00'", '{"blob":"00"}'),
        *(b"", b"\0\xff'\"", uuid.uuid4().bytes),
        *(random.Random(7).uniform(-1e9, 1e9) for _ in range(200)),
        *struct.unpack("200d", random.Random(7).randbytes(8 * 200)),
    ]
    columns = "a, b TEXT, c REAL, d INTEGER, e decimal, f BLOB"
    with made(
        f"CREATE TABLE kinds (id INTEGER PRIMARY KEY, {columns})",
        f"CREATE TABLE copies (id INTEGER PRIMARY KEY, {columns})",
        drop="kinds, copies",
    ):
        with transaction.atomic(using="kit"):
            for value in values:
                marks = ", ".join(["%s"] * 6)
                run(f"INSERT INTO kinds (a, b, c, d, e, f) VALUES ({marks})", *[value] * 6)

        def call():
            run("INSERT INTO copies SELECT * FROM kinds")
            run("UPDATE kinds SET a = 0, b = NULL, c = 1, d = '', e = X'00', f = 1.5 WHERE id % 2")
            run("DELETE FROM kinds WHERE id % 3 = 0")
            run("UPDATE kinds SET a = b, b = a, c = f")

        can_be_undone(call, "kinds", "copies")


def test_odd_tables_are_recorded_too():
    columns = ", ".join(f"c{each} integer" for each in range(600))
    values = ", ".join(map(str, range(600)))
    last = "" if is_postgres() else " WITHOUT ROWID"
    odd = '"Odd %s ""table"""'
    with made(
        f"CREATE TABLE wide ({columns}, PRIMARY KEY (c7, c3)){last}",
        f'CREATE TABLE {odd} ("Käy %s ""it""" text PRIMARY KEY, "a\'b" integer, "select" text)',
        "CREATE TABLE computed (a integer, b integer GENERATED ALWAYS AS (a * 2) STORED, c text)",
        "CREATE TABLE bare (a integer, b text)",
        drop=f"wide, {odd}, computed, bare",
    ):
        run(f"INSERT INTO wide VALUES ({values})")
        run(f"INSERT INTO {odd} VALUES ('k', 1, 's')")
        run("INSERT INTO computed (a, c) VALUES (1, 'x'), (1, 'x'), (2, NULL)")
        run("INSERT INTO bare VALUES (1, NULL), (1, NULL), (1, NULL), (2, 'x')")

        def call():
            run("UPDATE wide SET c599 = -1, c7 = 8")
            run(f"INSERT INTO {odd} VALUES ('\"%s''', 2, NULL)")
            run(f"UPDATE {odd} SET \"select\" = '%s'")
            run(f'DELETE FROM {odd} WHERE "a\'b" = 1')
            run("UPDATE computed SET a = a + 10")
            run("DELETE FROM computed WHERE c IS NULL")
            run("DELETE FROM bare WHERE a = 2")
            run("UPDATE bare SET b = 'one of them'")
            run("INSERT INTO bare VALUES (1, NULL), (3, NULL)")

        can_be_undone(call, "wide", odd, "computed", "bare")


@on_postgres
def test_odd_columns_of_postgres_are_recorded_too():
    is_new = connections["kit"].pg_version >= 180000
    virtual = "v integer GENERATED ALWAYS AS (a + 1) VIRTUAL" if is_new else "v integer"
    with made(
        "CREATE TABLE odd (a integer, gone text, always integer GENERATED ALWAYS AS IDENTITY,"
        f" {virtual}, PRIMARY KEY (a) INCLUDE (always))",
        "ALTER TABLE odd DROP COLUMN gone",
        "ALTER TABLE odd ADD COLUMN later numeric DEFAULT 1.50",
        "CREATE TABLE refers (a integer REFERENCES odd)",
        drop="refers, odd",
    ):
        run("INSERT INTO odd (a) VALUES (1), (2), (3)")
        run("INSERT INTO refers VALUES (3)")

        def call():
            run("UPDATE odd SET a = a + 10, later = 2 WHERE a < 3")
            run("UPDATE odd SET later = 3 WHERE a = 3")
            run("DELETE FROM odd WHERE a = 11")

        can_be_undone(call, "odd")


@on_postgres
def test_partitions_are_recorded_as_their_table():
    with made(
        "CREATE TABLE parted (day integer, id integer, text text, PRIMARY KEY (day, id))"
        " PARTITION BY RANGE (day)",
        "CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10)",
        drop="parted",
    ):
        run("CREATE TABLE parted_2 (id integer NOT NULL, text text, day integer NOT NULL)")
        run("ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM (10) TO (20)")
        assert row_images.uncovered("kit") == []
        run("INSERT INTO parted VALUES (1, 1, 'a'), (11, 1, 'b')")

        def call():
            run("UPDATE parted SET day = 12 WHERE day = 1")
            run("UPDATE parted_2 SET text = 'c'")

        found = can_be_undone(call, "parted")
        assert {row.table for row in found.rows} == {"parted"}


@on_sqlite
def test_what_a_replace_deletes_is_recorded():
    endless = (
        "CREATE TRIGGER stamped AFTER UPDATE ON kept BEGIN UPDATE kept SET stamp = stamp + 1; END"
    )
    with made(
        "CREATE TABLE kept (id INTEGER PRIMARY KEY, name TEXT UNIQUE, stamp INTEGER)",
        drop="kept",
    ):
        run("INSERT INTO kept VALUES (1, 'a', 0), (2, 'b', 0)")
        replace = "INSERT OR REPLACE INTO kept VALUES (1, 'b', 5)"
        found = can_be_undone(lambda: run(replace), "kept")
        assert sorted(map(kind, found.rows)) == ["deleted", "deleted", "inserted"]
        assert selected("PRAGMA recursive_triggers") == [(0,)]
        run(endless)  # it would be, if triggers were recursive
        can_be_undone(lambda: run("UPDATE kept SET name = replace(name, 'b', 'c')"), "kept")


# When rows are not what the call left


def sold() -> RecordedRows:
    """What a call did that changed a stall, added one and removed one."""
    STALLS.bulk_create([Stall(number="S-1", price=1), Stall(number="S-2")])

    def call():
        STALLS.filter(number="S-1").update(price=2)
        STALLS.filter(number="S-1").update(price=3)
        STALLS.create(number="S-3", price=1)
        STALLS.filter(number="S-2").delete()

    return recorded(call)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE kit_tickets_stall SET price = 4 WHERE number = 'S-1'",
        "UPDATE kit_tickets_stall SET title = 'x' WHERE number = 'S-1'",
        "UPDATE kit_tickets_stall SET rank = 5 WHERE number = 'S-3'",
        "DELETE FROM kit_tickets_stall WHERE number = 'S-1'",
        "INSERT INTO kit_tickets_stall (number, title, price, is_open, rank)"
        " VALUES ('S-2', '', 1, {true}, 0)",
        "UPDATE kit_tickets_stall SET id = {deleted} WHERE number = 'S-3'",
    ],
)
def test_a_row_that_somebody_changed_since_is_not_overwritten(change):
    found = sold()
    deleted = found.rows[-1].before["id"]
    run(change.format(true="true" if is_postgres() else "1", deleted=deleted))
    before = world(*THEIRS)
    with pytest.raises(MovedOn, match=r"kit_tickets_stall was"), rolled_back():
        undo("kit", found.rows)
    assert world(*THEIRS) == before


def test_other_rows_may_change_meanwhile():
    found, other = sold(), STALLS.create(number="S-9")
    STALLS.filter(pk=other.pk).update(rank=3)
    with rolled_back():
        undo("kit", found.rows)
        now = {*STALLS.values_list("number", "price", "rank")}
        assert now == {("S-1", 1, 0), ("S-2", 1, 0), ("S-9", 1, 3)}


def test_a_table_that_changed_since_is_told():
    with made("CREATE TABLE short (id integer PRIMARY KEY)", drop="short"):
        found = recorded(lambda: run("INSERT INTO short VALUES (1)"))
        run("ALTER TABLE short ADD COLUMN more integer DEFAULT 1")
        with pytest.raises(MovedOn, match="short was changed"), rolled_back():
            undo("kit", found.rows)
        if is_postgres():
            run("ALTER TABLE short ALTER COLUMN id TYPE uuid USING gen_random_uuid()")
            with pytest.raises(MovedOn, match="The table short was changed"), rolled_back():
                undo("kit", found.rows)
    with pytest.raises(MovedOn, match="short was dropped"), rolled_back():
        undo("kit", found.rows)


def test_undo_needs_a_transaction():
    with pytest.raises(NotInTransaction):
        undo("kit", sold().rows)


def test_the_log_is_left_to_the_relay():
    with stalls.announced():
        row_images.install("kit")
        found = recorded(lambda: STALLS.create(number="S-1"))
        LoggedEvent.objects.using("kit").update(partition=0, position=1)
        with rolled_back():
            undo("kit", found.rows)
            assert not STALLS.exists()
            assert LoggedEvent.objects.using("kit").filter(position=1).count() == 1


LATE = "SET LOCAL deadlock_timeout = '30s'"


@on_postgres
def test_a_row_in_use_ends_the_undo_and_hurts_nobody():
    found = sold()
    locked, is_deadlock = threading.Event(), threading.Event()

    def buyer():
        with transaction.atomic(using="kit"):
            run(LATE)
            STALLS.filter(number="S-3").update(rank=1)
            locked.set()
            assert is_deadlock.wait(10)
            STALLS.filter(number="S-1").update(rank=1)

    def undoing():
        assert locked.wait(10)
        began = time.monotonic()
        with pytest.raises(MovedOn, match=r"is being changed"), rolled_back():
            run(LATE)
            STALLS.select_for_update().get(number="S-1")
            is_deadlock.set()
            time.sleep(0.05)
            undo("kit", found.rows)
        assert time.monotonic() - began < 15

    threads.at_once(buyer, undoing)
    assert STALLS.filter(rank=1).count() == 2


@on_postgres
def test_locks_are_not_waited_for_until_the_savepoint_is_rolled_back():
    found = sold()
    with transaction.atomic(using="kit"):
        with suppress(RolledBack), transaction.atomic(using="kit"):
            undo("kit", found.rows)
            assert selected("SHOW lock_timeout") == [("200ms",)]
            raise RolledBack
        assert selected("SHOW lock_timeout") == [("0",)]


def test_undo_takes_one_statement_for_each_change(django_assert_max_num_queries):
    def call():
        STALLS.bulk_create(Stall(number=f"S-{each}") for each in range(20))
        for each in range(20):
            STALLS.filter(number="S-1").update(rank=each + 1)

    found = recorded(call)
    with rolled_back():
        recorded(lambda: note("SQLite has its triggers"))
        with django_assert_max_num_queries(40 + 8, connection=connections["kit"]):
            undo("kit", found.rows)


# What triggers and foreign keys of the tables do


def serial() -> str:
    return "serial PRIMARY KEY" if is_postgres() else "INTEGER PRIMARY KEY AUTOINCREMENT"


def a_trigger(name: str, when: str, body: str, moment: str = "AFTER") -> list[str]:
    if not is_postgres():
        return [f"CREATE TRIGGER {name} {moment} {when} BEGIN {body}; END"]
    return [
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
        f" AS $$ BEGIN {body}; RETURN NEW; END $$",
        f"CREATE TRIGGER {name} {moment} {when} FOR EACH ROW EXECUTE FUNCTION {name}()",
    ]


@pytest.mark.parametrize("prefix", ["a", "z"])
def test_what_the_tables_own_triggers_write_is_put_back_too(prefix):
    up = "UPDATE shelf SET books = books + 1 WHERE id = NEW.shelf"
    down = "UPDATE shelf SET books = books - 1 WHERE id = OLD.shelf"
    audit = "INSERT INTO audit (text) VALUES ('changed')"
    with made(
        "CREATE TABLE shelf (id integer PRIMARY KEY, books integer)",
        "CREATE TABLE book (id integer PRIMARY KEY, shelf integer)",
        f"CREATE TABLE audit (id {serial()}, text text)",
        *a_trigger(f"{prefix}_up", "INSERT ON book", up),
        *a_trigger(f"{prefix}_down", "DELETE ON book", down),
        *a_trigger(f"{prefix}_audit", "UPDATE ON shelf", audit),
        drop="shelf, book, audit",
    ):
        run("INSERT INTO shelf VALUES (1, 0), (2, 0)")
        run("INSERT INTO book VALUES (1, 1), (2, 2)")

        def call():
            run("INSERT INTO book VALUES (3, 1)")
            run("DELETE FROM book WHERE id = 2")
            run("UPDATE shelf SET id = 5 WHERE id = 2")

        can_be_undone(call, "shelf", "book", "audit")


@pytest.mark.parametrize("prefix", ["a", "z"])
def test_a_trigger_that_changes_its_own_row_again_is_taken_back(prefix):
    body = "UPDATE own SET stamp = stamp + 1 WHERE id = NEW.id AND NEW.stamp < 3"
    with made(
        "CREATE TABLE own (id integer PRIMARY KEY, text text, stamp integer)",
        *a_trigger(f"{prefix}_added", "INSERT ON own", body),
        *a_trigger(f"{prefix}_changed", "UPDATE ON own", body),
        drop="own",
    ):
        run("INSERT INTO own VALUES (1, 'a', 0)")
        run("UPDATE own SET stamp = 7")

        def call():
            run("INSERT INTO own VALUES (2, 'b', 0)")
            run("UPDATE own SET text = 'c' WHERE id = 2")

        can_be_undone(call, "own")


@on_postgres
def test_a_trigger_that_stamps_what_is_put_back_is_no_obstacle():
    stamp = "NEW.at := clock_timestamp()"
    with made(
        "CREATE TABLE stamped (id integer PRIMARY KEY, text text, at timestamptz)",
        *a_trigger("stamp", "UPDATE ON stamped", stamp, "BEFORE"),
        drop="stamped",
    ):
        run("INSERT INTO stamped VALUES (1, 'a', '2026-01-01')")
        can_be_undone(lambda: run("UPDATE stamped SET text = 'b'"), "stamped")


@on_postgres
def test_what_triggers_never_let_be_put_back_is_told():
    stamp = "NEW.at := clock_timestamp()"
    with made(
        "CREATE TABLE stamped (id integer PRIMARY KEY, text text, at timestamptz)",
        *a_trigger("stamp", "INSERT OR UPDATE ON stamped", stamp, "BEFORE"),
        drop="stamped",
    ):
        run("INSERT INTO stamped VALUES (1, 'a', NULL)")
        found = recorded(lambda: run("UPDATE stamped SET text = 'b'"))
        with pytest.raises(NotPutBack, match="Rows of stamped can't"), rolled_back():
            undo("kit", found.rows)


def test_foreign_keys_that_are_checked_at_once_are_no_obstacle():
    with made(
        "CREATE TABLE parent (id integer PRIMARY KEY)",
        "CREATE TABLE child (id integer PRIMARY KEY, parent integer REFERENCES parent"
        " ON DELETE CASCADE ON UPDATE CASCADE)",
        "CREATE TABLE orphan (id integer PRIMARY KEY, parent integer REFERENCES parent"
        " ON DELETE SET NULL)",
        "ALTER TABLE parent ADD COLUMN text text",
        "CREATE TABLE holder (parent integer REFERENCES parent)",
        drop="holder, orphan, child, parent",
    ):
        run("INSERT INTO parent VALUES (1, 'a'), (2, 'a'), (3, 'a')")
        run("INSERT INTO holder VALUES (3)")
        run("INSERT INTO child VALUES (1, 1), (2, 2), (3, 3)")
        run("INSERT INTO orphan VALUES (1, 1)")

        def call():
            run("DELETE FROM parent WHERE id = 1")
            run("UPDATE parent SET id = 9 WHERE id = 2")
            run("UPDATE parent SET text = 'b' WHERE id = 3")
            run("INSERT INTO parent VALUES (4, 'a')")
            run("INSERT INTO child VALUES (4, 4)")

        can_be_undone(call, "parent", "child", "orphan")


def test_unique_values_that_rows_exchange_are_put_back():
    STALLS.bulk_create([Stall(number="S-1"), Stall(number="S-2")])

    def call():
        for old, new in (("S-1", "S-0"), ("S-2", "S-1"), ("S-0", "S-2")):
            STALLS.filter(number=old).update(number=new)

    can_be_undone(call, *THEIRS)


# What is covered


@on_postgres
def test_truncate_makes_a_recording_not_complete():
    STALLS.create(number="S-1")
    found = recorded(lambda: run("TRUNCATE kit_tickets_stall CASCADE"))
    assert found.rows == []
    assert sorted(found.problems) == [
        "kit_tickets_stall was truncated.",
        "kit_tickets_visit was truncated.",
    ]
    run("TRUNCATE kit_tickets_visit")
    assert RecordedRow.objects.using("kit").count() == 2


@on_postgres
def test_a_new_table_is_not_covered_until_install_runs_again():
    assert row_images.install("kit") == row_images.uncovered("kit") == []
    with made("CREATE TABLE new_one (id integer)", drop="new_one, newer"):
        run("CREATE TABLE newer (id integer)")
        run("CREATE VIEW seen AS SELECT * FROM newer")
        run("ALTER TABLE kit_desk_note DISABLE TRIGGER carveout_row")
        run("DROP TRIGGER carveout_truncated ON new_one")
        expected = ["kit_desk_note", "new_one", "newer"]
        assert row_images.uncovered("kit") == expected
        assert recorded(lambda: note("not recorded")).rows == []
        assert row_images.install("kit") == expected
        assert row_images.uncovered("kit") == []
        assert len(recorded(lambda: note("recorded")).rows) == 1


@on_postgres
def test_tables_of_carveout_and_of_extensions_are_left_alone():
    covered = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'carveout_row'"
    with made("CREATE TABLE of_extension (id integer)", drop="django_migrations_of_test"):
        run("CREATE EXTENSION citext")
        run("DROP TRIGGER carveout_row ON of_extension")
        run("ALTER EXTENSION citext ADD TABLE of_extension")
        try:
            assert row_images.install("kit") == []
            tables = {name for (name,) in selected(covered)}
        finally:
            run("DROP EXTENSION citext CASCADE")
    assert {each for each in tables if each.startswith("carveout")} == {"carveout_loggedevent"}
    assert {*THEIRS} <= tables
    assert not {"of_extension", "django_migrations"} & tables


@on_postgres
def test_nothing_remains_of_what_is_removed():
    row_images.remove("kit")
    row_images.remove("kit")
    names = "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'carveout_%'"
    assert selected(names) == [(0,)]
    assert selected("SELECT to_regproc('carveout_record_row')::text") == [(None,)]
    assert {*THEIRS} <= {*row_images.uncovered("kit")}
    assert recorded(lambda: note("not recorded")).rows == []


@on_postgres
def test_a_table_in_use_holds_up_nobody(monkeypatch):
    monkeypatch.setattr(postgresql_triggers, "LOCK_TIMEOUT_S", 0.1)
    run("DROP TRIGGER carveout_row ON kit_desk_note")
    run("DROP TRIGGER carveout_row ON kit_tickets_stall")
    held, done = threading.Event(), threading.Event()

    def holder():
        with transaction.atomic(using="kit"):
            note("long transaction")
            held.set()
            assert done.wait(10)

    def installing():
        assert held.wait(10)
        try:
            with pytest.raises(
                postgresql_triggers.NotRecorded, match=r"on: kit_desk_note \(in use[^)]*\)\.$"
            ):
                row_images.install("kit")
            assert row_images.uncovered("kit") == ["kit_desk_note"]
        finally:
            done.set()

    threads.at_once(holder, installing)
    assert row_images.install("kit") == ["kit_desk_note"]


@on_postgres
def test_a_table_of_another_role_is_named_with_the_fix():
    row_images.remove("kit")
    run("DROP ROLE IF EXISTS installer")
    run("CREATE ROLE installer")
    try:
        run("GRANT CREATE, USAGE ON SCHEMA public TO installer")
        run("SET ROLE installer")
        why = r"kit_desk_note \(it belongs to the role postgres; run this as that role\)"
        with pytest.raises(postgresql_triggers.NotRecorded, match=why):
            row_images.install("kit")
        run("RESET ROLE")
        run("ALTER FUNCTION carveout_record_row() OWNER TO postgres")
        run("SET ROLE installer")
        why = "carveout_record_row.. could not be made: must be owner.* Run this as the role"
        with pytest.raises(postgresql_triggers.NotRecorded, match=why):
            row_images.install("kit")
    finally:
        run("RESET ROLE")
        run("DROP OWNED BY installer CASCADE")
        run("DROP ROLE installer")


@on_postgres
def test_a_row_that_cannot_be_recorded_breaks_no_statement():
    run("ALTER TABLE carveout_recordedrow ADD CONSTRAINT boom CHECK (after NOT LIKE '%boom%')")
    try:
        found = recorded(lambda: (note("boom"), note("next")))
    finally:
        run("ALTER TABLE carveout_recordedrow DROP CONSTRAINT boom")
    assert NOTES.count() == 2
    assert [row.after["text"] for row in found.rows] == ["next"]
    [problem] = found.problems
    assert problem.startswith("A row of kit_desk_note could not be recorded: ")
    assert "boom" in problem


@on_postgres
def test_a_recording_that_cannot_be_stored_breaks_no_statement():
    run("ALTER TABLE carveout_recordedrow RENAME TO hidden")
    try:
        with transaction.atomic(using="kit"), row_images.recording("kit", "token") as problems:
            note("first")
            note("second")
            with suppress(RolledBack), transaction.atomic(using="kit"):
                note("rolled back")
                raise RolledBack
        [problem] = problems
        assert problem.startswith("Rows could not be recorded: kit_desk_note: ")
        with row_images.recording("kit", "token"):
            note("alone")
    finally:
        run("ALTER TABLE hidden RENAME TO carveout_recordedrow")
    assert NOTES.count() == 3


@on_sqlite
def test_the_triggers_of_a_connection_follow_the_schema(django_assert_max_num_queries):
    recorded(lambda: note("makes them"))
    with django_assert_max_num_queries(5, connection=connections["kit"]):
        recorded(lambda: note("uses them"))
    with made("CREATE TABLE newer (id integer)", drop="newer"):
        assert len(recorded(lambda: run("INSERT INTO newer VALUES (1)")).rows) == 1
        run("ALTER TABLE newer RENAME TO newest")
        assert recorded(lambda: run("INSERT INTO newest VALUES (2)")).rows[0].table == "newest"
        run("ALTER TABLE newest RENAME TO newer")
    with suppress(RolledBack), transaction.atomic(using="kit"):
        run("CREATE TABLE rolled_back (id integer)")
        assert len(recorded(lambda: run("INSERT INTO rolled_back VALUES (1)")).rows) == 1
        raise RolledBack
    assert len(recorded(lambda: note("again")).rows) == 1

    def call():
        note("before")
        connections["kit"].close()
        note("after")

    assert len(recorded(call, in_block=False).rows) == 2


@on_sqlite
def test_triggers_are_not_in_the_way_of_a_migration():
    with made("CREATE TABLE shrinks (a integer, b integer)", drop="shrinks"):
        recorded(lambda: run("INSERT INTO shrinks VALUES (1, 2)"))
        call_command("migrate", "carveout", database="kit", verbosity=0)
        run("ALTER TABLE shrinks DROP COLUMN b")
        assert recorded(lambda: run("INSERT INTO shrinks VALUES (1)")).rows[0].after == {"a": 1}


@on_sqlite
def test_virtual_tables_are_left_alone():
    with made(
        "CREATE VIRTUAL TABLE found USING fts5(text)",
        "CREATE TABLE found_by (id integer)",
        drop="found, found_by",
    ):
        assert recorded(lambda: run("INSERT INTO found VALUES ('word')")).rows == []
        assert len(recorded(lambda: run("INSERT INTO found_by VALUES (1)")).rows) == 1


# Anything at all


class Anything:
    """Random changes of three tables that are related."""

    TABLES = ("parent", "child", "tag")

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def some(self, most: int = 6) -> int:
        return self.random.randrange(most)

    def insert(self) -> None:
        parent = f"(SELECT min(id) FROM parent WHERE id >= {self.some()})"
        sql = (
            f"INSERT INTO parent VALUES ({self.some()}, 'n{self.some()}')",
            f"INSERT INTO child VALUES ({self.some(20)}, {parent}, 1.50)",
            f"INSERT INTO tag VALUES ({self.some(3)}, NULL), (1, 'x')",
        )
        self.attempt(self.random.choice(sql))

    def update(self) -> None:
        sql = (
            f"UPDATE parent SET name = 'n{self.some()}' WHERE id = {self.some()}",
            f"UPDATE parent SET id = {self.some()} WHERE id = {self.some()}",
            f"UPDATE child SET amount = amount + 1.25 WHERE id < {self.some(20)}",
            f"UPDATE tag SET text = 'y' WHERE a = {self.some(3)}",
        )
        self.attempt(self.random.choice(sql))

    def delete(self) -> None:
        table, column = self.random.choice([("parent", "id"), ("child", "id"), ("tag", "a")])
        self.attempt(f"DELETE FROM {table} WHERE {column} = {self.some()}")

    def attempt(self, sql: str) -> None:
        with suppress(DatabaseError), transaction.atomic(using="kit"):
            run(sql)

    def rolled_back(self) -> None:
        with suppress(RolledBack), transaction.atomic(using="kit"):
            self.some_steps(3)
            raise RolledBack

    def block(self) -> None:
        with transaction.atomic(using="kit"):
            self.some_steps(3)

    def some_steps(self, most: int) -> None:
        steps = [*[self.insert] * 4, *[self.update] * 4, *[self.delete] * 2]
        for _ in range(self.some(most) + 1):
            self.random.choice([*steps, self.rolled_back, self.block])()


def test_whatever_happened_the_earlier_rows_are_put_back():
    changed = 0
    with made(
        "CREATE TABLE parent (id integer PRIMARY KEY, name text UNIQUE)",
        "CREATE TABLE child (id integer PRIMARY KEY, parent integer REFERENCES parent"
        " ON DELETE CASCADE ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED, amount numeric)",
        "CREATE TABLE tag (a integer, text text)",
        drop="child, parent, tag",
    ):
        for seed in range(20):
            anything = Anything(seed)
            anything.some_steps(20)
            before = world(*anything.TABLES)
            found = recorded(partial(anything.some_steps, 15), in_block=bool(seed % 3))
            after = world(*anything.TABLES)
            changed += before != after
            with rolled_back():
                undo("kit", found.rows)
                assert world(*anything.TABLES) == before, seed
            assert world(*anything.TABLES) == after
    assert changed > 12
