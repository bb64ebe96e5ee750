"""Keeps the rows of own copies: subscribes to their events, looks rows up and writes them."""

import types
from collections.abc import Collection, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple, cast
from uuid import UUID

from django.db import models, transaction
from django.db.models import QuerySet

from carveout.conf import context_of, get_settings
from carveout.conf.code_locations import MADE_AT, place_of_class
from carveout.events.event import ReceivedEvent
from carveout.lookups.reader import Lookup, look_up_many
from carveout.subscriptions.copies import claims
from carveout.subscriptions.copies.model import Copy, registry
from carveout.subscriptions.subscription import subscribe

TYPES: list[tuple[type["models.Field[Any, Any]"], Any]] = [
    (models.BooleanField, bool),
    (models.IntegerField, int),
    (models.AutoField, int),
    (models.DecimalField, Decimal),
    (models.FloatField, float),
    (models.UUIDField, UUID),
    (models.DateTimeField, datetime),
    (models.DateField, date),
    (models.TimeField, time),
    (models.DurationField, timedelta),
    (models.JSONField, Any),
]
"""What a reader's field is, by the field of the copy; text otherwise."""
CLAIMS_PER_PRUNING = 20

_readers: dict[type[Copy], type[Lookup]] = {}
_claimed = 0


class CopiedRow(NamedTuple):
    """What the owner answered for a key."""

    key: str
    claim: str
    fields: Lookup | None
    """None: the owner has no such row."""


def declare_hosted() -> None:
    """Subscribe each copy of the contexts hosted here to its events."""
    settings = get_settings()
    for model in registry.values():
        if settings.hosts(context_of(model.__module__).name):
            declare(model)


def declare(model: type[Copy]) -> None:
    """Subscribe a copy to its events."""
    reader = _declare_reader(model)

    def keep(deliveries: Any) -> None:
        write(model, [row for _, row in deliveries])

    keep.__annotations__ = {"deliveries": list[tuple[ReceivedEvent, reader]]}  # type: ignore[valid-type]
    keep.__module__, keep.__name__ = model.__module__, f"copy_{model._meta.model_name}"
    keep.__doc__ = f"Keep the own copy {model._meta.label}."
    setattr(keep, MADE_AT, place_of_class(model))
    subscribe(*model.copy_on, batch=True, start="now")(keep)


def reader_of(model: type[Copy]) -> type[Lookup]:
    """The reader of the owner's lookup with the fields of a copy."""
    return _readers[model]


def _declare_reader(model: type[Copy]) -> type[Lookup]:

    def body(namespace: dict[str, Any]) -> None:
        namespace |= {"__module__": model.__module__, "__qualname__": model.__qualname__}
        namespace["__annotations__"] = {each.attname: _type_of(each) for each in columns(model)}
        namespace["__doc__"] = f"What the own copy {model._meta.label} reads."

    made = types.new_class(
        model.__name__, (Lookup,), {"of": model.copy_of, "by": model.copy_by}, body
    )
    reader = cast("type[Lookup]", made)
    reader.lookup_fetch = partial(fetch, model)
    _readers[model] = reader
    return reader


def subscription_of(model: type[Copy]) -> str:
    return f"{context_of(model.__module__).name}.copy_{model._meta.model_name}"


def database_of(model: type[Copy]) -> str:
    return get_settings().database_of(context_of(model.__module__).name)


def columns(model: type[Copy]) -> list[Any]:
    """The fields that come from the owner: all but those that the database computes."""
    return [each for each in model._meta.concrete_fields if not getattr(each, "generated", False)]


def rows_of(model: type[Copy]) -> "QuerySet[Any]":
    """The rows of a copy, to write."""
    return QuerySet(model, using=database_of(model))


def row_from(model: type[Copy], fields: Lookup) -> Copy:
    """A row of a copy from an answer. Raises: ValidationError: a value does not fit its field."""
    values = {each.attname: getattr(fields, each.attname) for each in columns(model)}
    for each in columns(model):
        field = each.target_field if each.is_relation else each
        values[each.attname] = field.to_python(values[each.attname])
    return model(**values)


def fetch(model: type[Copy], keys: Iterable[str]) -> dict[str, CopiedRow]:
    """Claim rows, then look them up; for every key there is an answer.

    Raises: LookupUnavailable, LookupRefused: as `look_up_many`.
    """
    global _claimed
    wanted, database = list(dict.fromkeys(keys)), database_of(model)
    if _claimed % CLAIMS_PER_PRUNING == 0:
        claims.prune(database)
    _claimed += 1
    token = claims.claim(model._meta.label, wanted, database)
    found = look_up_many(reader_of(model), wanted, primary=True)
    return {key: CopiedRow(key, token, found.get(key)) for key in wanted}


def write(model: type[Copy], rows: Iterable[CopiedRow]) -> None:
    """Store or delete rows that were looked up, in one transaction.

    Raises: CopyOvertaken: another process looked one of them up later; fetch them again.
    """
    label, database, ours = model._meta.label, database_of(model), {row.key: row for row in rows}
    with transaction.atomic(using=database):
        claims.require(label, {key: row.claim for key, row in ours.items()}, database)
        store(model, [row.fields for row in ours.values() if row.fields is not None])
        remove(model, [key for key, row in ours.items() if row.fields is None])
        claims.mark_written(label, ours, database)


def rewrite(model: type[Copy], keys: Iterable[str]) -> None:
    """Look rows up and write them. Raises: LookupUnavailable, LookupRefused, CopyOvertaken."""
    write(model, fetch(model, keys).values())


def store(model: type[Copy], found: Collection[Lookup]) -> None:
    """Insert rows, or replace those that are there, in the open transaction."""
    if not found:
        return
    others = [each.name for each in columns(model) if not each.primary_key]
    how: dict[str, Any] = {"ignore_conflicts": True}
    if others:
        pk = [model._meta.pk.name]
        how = {"update_conflicts": True, "unique_fields": pk, "update_fields": others}
    rows_of(model).bulk_create([row_from(model, fields) for fields in found], **how)


def remove(model: type[Copy], keys: Collection[str]) -> None:
    """Delete rows, and what refers to them as on_delete says, in the open transaction."""
    if keys:
        rows_of(model).filter(pk__in=keys).delete()


def _type_of(field: Any) -> Any:
    while field.is_relation:
        field = field.target_field
    type_ = next((type_ for of, type_ in TYPES if isinstance(field, of)), str)
    return type_ | None if field.null and type_ is not Any else type_
