"""The tables that effects can be compared in: keys, references and natural keys."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.apps import apps
from django.db import models

from carveout.seams.effects.effects import Values


@dataclass(frozen=True)
class TableSchema:
    """What a comparison has to know about one table. An unknown table has nothing of it."""

    key: tuple[str, ...] = ()
    """The columns of the primary key."""
    generated: bool = False
    """Whether each insert gets a new key, so that the key says nothing about the row."""
    references: Mapping[str, str] = field(default_factory=dict)
    """By column: the table whose primary key it holds."""
    unique: tuple[tuple[str, ...], ...] = ()
    """Sets of columns that are unique together, other than the primary key."""
    json: frozenset[str] = frozenset()
    """Columns with JSON, which SQLite stores as text."""

    def key_of(self, row: Values) -> tuple[Any, ...] | None:
        """The primary key of a row. None: the table is unknown, or the image has no key."""
        key = tuple(map(row.get, self.key))
        return None if not key or None in key else key

    @property
    def natural_keys(self) -> tuple[tuple[str, ...], ...]:
        """The sets of columns that identify a row, however often it is inserted again."""
        return self.unique if self.generated or not self.key else (self.key, *self.unique)


UNKNOWN = TableSchema()


@dataclass(frozen=True)
class Schema:
    """The tables by name."""

    tables: Mapping[str, TableSchema] = field(default_factory=dict)

    def table(self, name: str) -> TableSchema:
        return self.tables.get(name, UNKNOWN)

    def has_new_keys(self, name: str) -> bool:
        """Whether a row's key in this table may differ each time that it is inserted.

        True too for a key that is itself a reference: to a parent, or to a user of a profile.
        """
        table = self.table(name)
        return table.generated or any(column in table.references for column in table.key)


def schema_of_models() -> Schema:
    """The tables of all known models, with those that Django creates for many-to-many."""
    return _schema_of(sum(map(len, apps.all_models.values())))


@cache
def _schema_of(_count: int) -> Schema:
    """Kept until there is another number of models: it is needed for each comparison."""
    found = (model for models in apps.all_models.values() for model in models.values())
    return Schema({model._meta.db_table: _table(model) for model in found if not _is_proxy(model)})


def _is_proxy(model: type[models.Model]) -> bool:
    return bool(model._meta.proxy)


def _table(model: type[models.Model]) -> TableSchema:
    own = model._meta.local_concrete_fields
    keys = [*_key_fields(model)]
    return TableSchema(
        key=tuple(_column(each) for each in keys),
        generated=any(_is_generated(each) for each in keys),
        references=dict(_references(own)),
        unique=tuple(dict.fromkeys(_unique(model))),
        json=frozenset(_column(each) for each in own if isinstance(each, models.JSONField)),
    )


def _key_fields(model: type[models.Model]) -> Iterable[Any]:
    """More than one for a CompositePrimaryKey, which Django has had since 5.2."""
    return getattr(model._meta, "pk_fields", None) or [model._meta.pk]


def _column(field: Any) -> str:
    return str(field.column)


def _is_generated(field: Any) -> bool:
    """Whether the database or a function makes it up: identities, UUIDs, random texts."""
    if isinstance(field, models.AutoField):
        return True
    made = field.has_default() and callable(field.default)
    return bool(made or field.db_default is not models.NOT_PROVIDED)


def _references(fields: Iterable[Any]) -> Iterator[tuple[str, str]]:
    for each in fields:
        if isinstance(each, models.ForeignKey) and each.target_field.primary_key:
            yield _column(each), each.target_field.model._meta.db_table


def _unique(model: type[models.Model]) -> Iterator[tuple[str, ...]]:
    """Without those that have a condition or expressions: they do not hold for every row."""
    options = model._meta
    own = {each.name: each for each in options.local_concrete_fields}
    for each in own.values():
        if each.unique and not each.primary_key:
            yield (_column(each),)
    for names in (*options.unique_together, *_unconditional(options.constraints)):
        if all(name in own for name in names):
            yield tuple(_column(own[name]) for name in names)


def _unconditional(constraints: Iterable[models.BaseConstraint]) -> Iterator[tuple[str, ...]]:
    for each in constraints:
        if isinstance(each, models.UniqueConstraint) and each.fields and each.condition is None:
            yield tuple(each.fields)
