"""Reads SQL statements: which tables each one touches, and in which form."""

import logging
import re
from importlib import import_module
from typing import Any

import msgspec

from carveout.carving.recorder.sql_tables import Tables

DIALECTS = {
    "postgresql": "postgres",
    "sqlite": "sqlite",
    "mysql": "mysql",
    "oracle": "oracle",
    "microsoft": "tsql",
}
"""sqlglot's names by Django's `connection.vendor`."""
WORD = re.compile(r"\w+")
WRITE = re.compile(
    r"\s*(INSERT\b.*?\bINTO|REPLACE\s+INTO|MERGE\s+INTO|UPDATE|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?)"
    r'\s+(?:ONLY\s+)?(?:["`\[]?\w+["`\]]?\.)?["`\[]?(\w+)',
    re.IGNORECASE | re.DOTALL,
)
PLACEHOLDER = re.compile(r"%s|%\(\w+\)s")
TEXT = re.compile(r"'(?:[^']|'')*'|(?<![\w\"`.$])\d+(?:\.\d+)?(?![\w\"`])")
"""A literal value in the statement."""
LIST = re.compile(r"\(\s*'0'(?:\s*,\s*'0')+\s*\)")
ROWS = re.compile(r"(\('0'\))(?:\s*,\s*\('0'\))+")
AFTER = re.compile(
    r"\b(FROM|JOIN|USING|INTO|UPDATE)\s+(?:ONLY\s+|LATERAL\s+)?"
    r'(?:["`\[]?\w+["`\]]?\.)?["`\[]?(\w+)|,\s*["`\[]?(\w+)["`\]]?(?=\s|$|\))',
    re.IGNORECASE,
)
FORMS = {"JOIN": "join", "USING": "join"}


TEXT_MAX = 20_000
"""Maximum length of a cached statement: longer ones, with thousands of rows, are rare."""


class Statement(msgspec.Struct, frozen=True):
    """What a statement does. Only tables of models are listed."""

    text: str
    """Without values."""
    forms: dict[str, str]
    """Form by table: from, join, subquery, cte, union, or write."""
    written: str = ""
    """The table that it writes to."""
    deletes: bool = False
    shared: bool = False
    """Its tables belong to several apps."""

    @property
    def as_shown(self) -> str:
        """The text with `?` for values."""
        return self.text.strip().replace("'0'", "?")


READS = Statement("", {})
"""Any statement that only reads tables of one app, or no known table."""


class Statements:
    """Caches what each statement does. Only those that may touch several apps are parsed."""

    def __init__(self, tables: Tables, texts_max: int = 20_000) -> None:
        self.tables = tables
        self.texts_max = texts_max
        self.known: dict[str, Statement] = {}
        self.parsed = 0
        self.unparsed: dict[str, str] = {}
        """Statements that sqlglot could not parse, with its error."""
        self._by_shape: dict[str, Statement] = {}

    def read(self, text: str, vendor: str) -> Statement:
        """What a statement does, cached by text; the cache is cleared when it is full."""
        if text.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):  # each has its own name
            return READS
        if len(self.known) >= self.texts_max:
            self.known.clear()
        found = self._look(text, vendor)
        if len(text) <= TEXT_MAX:
            self.known[text] = found
        return found

    def _look(self, text: str, vendor: str) -> Statement:
        tables = self.tables.among(WORD.findall(text.lower()))
        if len(self.tables.apps(tables)) > 1:
            return self._parsed(shape(text), vendor)
        match = WRITE.match(text)
        if match is None:
            begins_with_cte = tables and text.lstrip()[:4].upper() == "WITH"
            return self._parsed(shape(text), vendor) if begins_with_cte else READS
        table = match[2].lower()
        if table not in self.tables:
            return READS
        return Statement("", {table: "write"}, table, match[1][0] in "dDtT")

    def _parsed(self, text: str, vendor: str) -> Statement:
        known = self._by_shape.get(text)
        if known is None:
            if len(self._by_shape) >= self.texts_max:
                self._by_shape.clear()
            known = self._by_shape[text] = self._parse(text, vendor)
        return known

    def _parse(self, text: str, vendor: str) -> Statement:
        self.parsed += 1
        try:
            forms, written, deletes = _by_grammar(text, DIALECTS.get(vendor, ""))
        except Exception as error:  # sqlglot's own errors, and any that its dialects raise
            if len(self.unparsed) < 100:
                self.unparsed[text] = str(error).partition("\n")[0]
            forms, written, deletes = _by_words(text)
        forms = {table: form for table, form in forms.items() if table in self.tables}
        shared = len(self.tables.apps(forms)) > 1
        return Statement(text, forms, written if written in self.tables else "", deletes, shared)


def shape(text: str) -> str:
    """The statement without its values; lists of values of any length become the same."""
    bare = TEXT.sub("'0'", PLACEHOLDER.sub("'0'", text).replace("%%", "%"))
    return ROWS.sub(r"\1", LIST.sub("('0')", bare))


def prepare() -> None:
    """Loads the parser, which is only needed for recording."""
    import_module("sqlglot")


def _by_grammar(text: str, dialect: str) -> tuple[dict[str, str], str, bool]:
    """Raises: sqlglot.errors.SqlglotError, if it is not a statement of this dialect."""
    import sqlglot  # only here, so that it is not loaded without recording
    from sqlglot import exp

    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    forms: dict[str, str] = {}
    written, deletes = "", False
    tree = sqlglot.parse_one(text, dialect=dialect or None)
    if isinstance(tree, exp.Command):
        raise sqlglot.errors.ParseError("unknown kind of statement")
    names = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        name = table.name.lower()
        if name in names and not table.db:
            continue
        form = _form(table, exp)
        if form == "write":
            written = written or name
            deletes = deletes or table.find_ancestor(exp.Delete) is not None
        if forms.get(name, "from") == "from":
            forms[name] = form
    return forms, written, deletes


def _form(table: Any, exp: Any) -> str:
    """How a table is used in its statement, judged by the syntax around it."""
    written = table.find_ancestor(exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Select)
    if written is not None and not isinstance(written, exp.Select):
        inner = written.this
        if inner is table or (isinstance(inner, exp.Schema) and inner.this is table):
            return "write"
    if table.find_ancestor(exp.CTE):
        return "cte"
    if table.find_ancestor(exp.Exists, exp.In) or _is_nested(table, exp):
        return "subquery"
    if isinstance(table.parent, exp.Join):
        return "join"
    if table.find_ancestor(exp.SetOperation):
        return "union"
    return "join" if isinstance(written, exp.Update | exp.Delete) else "from"


def _is_nested(table: Any, exp: Any) -> bool:
    subquery = table.find_ancestor(exp.Subquery)
    while subquery is not None and isinstance(subquery.parent, exp.SetOperation):
        subquery = subquery.find_ancestor(exp.Subquery)  # parentheses around a part of a union
    return subquery is not None


def _by_words(text: str) -> tuple[dict[str, str], str, bool]:
    """Finds tables by the keyword before each name, for statements that sqlglot can't parse."""
    forms: dict[str, str] = {}
    for match in AFTER.finditer(text):
        name = (match[2] or match[3]).lower()
        forms.setdefault(name, FORMS.get((match[1] or "JOIN").upper(), "from"))
    written = WRITE.match(text)
    if written is None:
        return forms, "", False
    forms[written[2].lower()] = "write"
    return forms, written[2].lower(), written[1][0] in "dDtT"
