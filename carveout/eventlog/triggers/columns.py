"""How a column is written as JSON in SQL, as the codec writes the field of an event."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import Field, ForeignKey, Model

from carveout.eventlog.triggers.announcement import Announcement
from carveout.events.event import Event

INTEGERS = (
    *("AutoField", "BigAutoField", "SmallAutoField", "BigIntegerField", "IntegerField"),
    *("PositiveBigIntegerField", "PositiveIntegerField", "PositiveSmallIntegerField"),
    "SmallIntegerField",
)
TEXTS = ("CharField", "TextField", "SlugField", "FilePathField")


class Kind(NamedTuple):
    """A kind of column: the annotation that an event's field needs, and its SQL.

    `{x}` is the column. None of them is used for NULL.
    """

    annotation: type
    postgresql: str
    sqlite: str

    @property
    def is_text_in_json(self) -> bool:
        """Whether JSON writes it in quotes, so that an event may also declare it as `str`."""
        return self.annotation not in (int, bool)


_IN_UTC = "to_char({x} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"
_UUID_PARTS = " || '-' || ".join(
    f"substr({{x}}, {start}, {length})"
    for start, length in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
)
TEXT = Kind(str, "to_json({x}::text)::text", "json_quote(CAST({x} AS TEXT))")
INTEGER = Kind(int, "{x}::text", "CAST(CAST({x} AS INTEGER) AS TEXT)")
BOOLEAN = Kind(bool, "{x}::text", "CASE WHEN {x} THEN 'true' ELSE 'false' END")
UUIDS = Kind(UUID, "'\"' || {x}::text || '\"'", f"'\"' || {_UUID_PARTS} || '\"'")
DATE = Kind(date, "'\"' || to_char({x}, 'YYYY-MM-DD') || '\"'", "'\"' || {x} || '\"'")
KEYS = (TEXT, INTEGER, UUIDS)
"""The kinds of columns that can be an event's key."""


def _decimal(field: Any) -> Kind:
    digits = f"printf('%.{field.decimal_places}f', {{x}})"
    return Kind(Decimal, "'\"' || {x}::text || '\"'", f"'\"' || {digits} || '\"'")


def _datetime() -> Kind:
    """As the codec: in UTC with a Z, and without fractions where they are zero."""
    zone, z = ("UTC", "Z") if settings.USE_TZ else (str(settings.TIME_ZONE), "")
    local = _IN_UTC.replace("'UTC'", quoted(zone))
    return Kind(
        datetime,
        f"'\"' || replace({local}, '.000000', '') || '{z}\"'",
        f"'\"' || replace({{x}}, ' ', 'T') || '{z}\"'",
    )


_SIMPLE: Mapping[str, Kind] = {
    **dict.fromkeys(INTEGERS, INTEGER),
    **dict.fromkeys(TEXTS, TEXT),
    "BooleanField": BOOLEAN,
    "UUIDField": UUIDS,
    "DateField": DATE,
}


def kind_of(field: "Field[Any, Any]") -> Kind | None:
    """The kind of a field's column; None if events of announced tables can't hold it."""
    while isinstance(field, ForeignKey):
        field = field.target_field
    name = field.get_internal_type()
    if name == "DecimalField":
        return _decimal(field)
    return _datetime() if name == "DateTimeField" else _SIMPLE.get(name)


def own_fields(model: type[Model]) -> dict[str, "Field[Any, Any]"]:
    """The fields with a column in the model's own table, by name and by attribute."""
    local = [each for each in model._meta.local_fields if each.column]
    return {each.attname: each for each in local} | {each.name: each for each in local}


class Column(NamedTuple):
    """A column of the announced table that an event's field is filled from."""

    name: str
    kind: Kind


def column_of(announcement: Announcement, event_field: str) -> Column:
    """Raises: KeyError: there is no such column, or no event can hold it; see `problems`."""
    field = own_fields(announcement.model)[announcement.model_field_of(event_field)]
    kind = kind_of(field)
    if kind is None:
        raise KeyError(event_field)
    return Column(str(field.column), kind)


def data_in_sql(announcement: Announcement, event: type[Event], vendor: str, row: str) -> str:
    """The event's data as an SQL expression. row: the alias of the row."""
    parts, before = [], "{"
    for name in event.__struct_fields__:
        parts.append(quoted(f'{before}"{name}":'))
        column = column_of(announcement, name)
        parts.append(_or_null(column, vendor, row))
        before = ","
    return " || ".join([*parts, "'}'"])


def _or_null(column: Column, vendor: str, row: str) -> str:
    x = f"{row}.{identifier(column.name)}"
    written = getattr(column.kind, vendor).replace("{x}", x)
    return f"CASE WHEN {x} IS NULL THEN 'null' ELSE {written} END"


def key_in_sql(announcement: Announcement, event: type[Event], vendor: str, row: str) -> str:
    """The event's key as an SQL expression."""
    column = column_of(announcement, event.event_key)
    x = f"{row}.{identifier(column.name)}"
    if vendor == "postgresql":
        return f"{x}::text"
    return _UUID_PARTS.replace("{x}", x) if column.kind is UUIDS else f"CAST({x} AS TEXT)"


def primary_key(model: type[Model]) -> list[str]:
    """The columns of the primary key."""
    return [str(each.column) for each in model._meta.pk_fields]


def key_columns(announcement: Announcement) -> list[str]:
    """The columns of the events' keys, apart from the primary key."""
    keys = [column_of(announcement, each.event_key).name for each in announcement.events]
    return [each for each in dict.fromkeys(keys) if each not in primary_key(announcement.model)]


def watched_columns(announcement: Announcement) -> list[str]:
    """The columns whose change is announced."""
    fields = own_fields(announcement.model)
    return [str(fields[name].column) for name in announcement.watched]


def identifier(name: str) -> str:
    """A quoted name, as Django quotes it on both databases."""
    return name if name.startswith('"') and name.endswith('"') else f'"{name}"'


def quoted(text: str) -> str:
    """A quoted text."""
    return "'" + text.replace("'", "''") + "'"
