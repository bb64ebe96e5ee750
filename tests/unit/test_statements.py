"""Statements: which tables one touches, in which form, and how often it has to be parsed."""

import pytest

from carveout.carving.recorder.sql_statements import Statements
from carveout.carving.recorder.sql_tables import name_of


class Tables:
    """Tables of three apps, as the registry would have them."""

    apps_of = {"a_one": "a", "a_two": "a", "b_one": "b", "c_one": "c"}

    def among(self, words):
        return self.apps_of.keys() & words

    def apps(self, tables):
        return {self.apps_of[table] for table in tables}

    def __contains__(self, table):
        return table in self.apps_of


@pytest.fixture
def statements():
    return Statements(Tables())


BOTH = ["sqlite", "postgresql"]
CASES = [
    ('SELECT 1 FROM "a_one" INNER JOIN "b_one" ON ("a_one"."x" = "b_one"."y")', {"b_one": "join"}),
    ('SELECT 1 FROM "a_one" a, "b_one" b WHERE a.x = b.x', {"b_one": "join"}),
    ('SELECT 1 FROM "a_one" WHERE EXISTS(SELECT 1 FROM "b_one" U0)', {"b_one": "subquery"}),
    ('SELECT (SELECT COUNT(*) FROM "b_one") AS "n" FROM "a_one"', {"b_one": "subquery"}),
    ("WITH z AS (SELECT * FROM b_one) SELECT * FROM a_one JOIN z ON 1 = 1", {"b_one": "cte"}),
    ('SELECT "x" FROM "a_one" UNION SELECT "x" FROM "b_one"', {"b_one": "union"}),
    ('UPDATE "a_one" SET "x" = %s WHERE "x" IN (SELECT "x" FROM "b_one")', {"b_one": "subquery"}),
    (
        'SELECT 1 FROM "a_one" LEFT OUTER JOIN "b_one" T3 ON ("a_one"."x" = T3."x")'
        ' INNER JOIN "other"."c_one" ON (T3."z" = "c_one"."z") WHERE "a_one"."x" LIKE %s'
        " ESCAPE '\\' LIMIT 21",
        {"b_one": "join", "c_one": "join"},
    ),
]


@pytest.mark.parametrize("vendor", BOTH)
@pytest.mark.parametrize(("text", "forms"), CASES)
def test_each_form_is_told(statements, vendor, text, forms):
    found = statements.read(text, vendor)
    assert found.shared
    assert {table: form for table, form in found.forms.items() if table in forms} == forms
    assert statements.unparsed == {}


@pytest.mark.parametrize(
    ("text", "written", "deletes"),
    [
        ('INSERT INTO "a_one" ("x") VALUES (%s)', "a_one", False),
        ('INSERT OR IGNORE INTO "a_one" ("x") VALUES (%s)', "a_one", False),
        ('UPDATE "a_one" SET "x" = %s', "a_one", False),
        ('DELETE FROM "a_one" WHERE "x" IN (%s)', "a_one", True),
        ('UPDATE "schema"."a_one" SET "x" = %s', "a_one", False),
        ("WITH z AS (SELECT 1) DELETE FROM a_one", "a_one", True),
        ("INSERT INTO a_one (x) SELECT x FROM b_one", "a_one", False),
        ('SELECT 1 FROM "a_one"', "", False),
        ('UPDATE "django_session" SET "x" = %s', "", False),
    ],
)
def test_what_is_written_to_is_told(statements, text, written, deletes):
    found = statements.read(text, "sqlite")
    assert (found.written, found.deletes) == (written, deletes)


def test_a_column_named_like_a_table_is_none(statements):
    found = statements.read('SELECT "a_one"."b_one" FROM "a_one"', "sqlite")
    assert not found.shared


def test_one_app_is_not_parsed_and_each_shape_only_once(statements):
    statements.read('SELECT 1 FROM "a_one" INNER JOIN "a_two" ON 1 = 1', "sqlite")
    assert statements.parsed == 0
    for marks in ("%s", "%s, %s", "%s, %s, %s"):
        text = f'SELECT 1 FROM "a_one", "b_one" WHERE "a_one"."x" IN ({marks})'  # noqa: S608
        statements.read(text, "sqlite")
    for rows in ("(%s, %s)", "(%s, %s), (%s, %s)"):
        statements.read(f'INSERT INTO "a_one" ("b_one", "y") VALUES {rows}', "sqlite")  # noqa: S608
    assert statements.parsed == 2


def test_values_are_not_told(statements):
    text = "SELECT 1 FROM a_one, b_one WHERE a_one.mail = 'maria@example.com' AND b_one.id = 4711"
    told = statements.read(text, "sqlite").as_shown
    assert "maria" not in told
    assert "4711" not in told


def test_what_no_grammar_knows_is_read_by_its_words_and_that_is_said(statements):
    found = statements.read("SELECT ??? FROM a_one JOIN b_one ((", "sqlite")
    assert found.forms == {"a_one": "from", "b_one": "join"}
    assert len(statements.unparsed) == 1


def test_the_memory_is_bounded():
    statements = Statements(Tables(), texts_max=10)
    for number in range(100):
        text = f"SELECT 1 FROM a_one JOIN b_one b{number} ON 1 = 1"  # noqa: S608
        statements.read(text, "sqlite")
        statements.read(f'SAVEPOINT "s{number}"', "sqlite")
    assert len(statements.known) <= 10


@pytest.mark.parametrize("db_table", ["a_one", '"a_one"', 'Schema"."a_one', "schema.A_ONE"])
def test_a_table_is_known_by_its_own_name(db_table):
    assert name_of(db_table) == "a_one"
