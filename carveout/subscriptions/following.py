"""Declares what becomes of rows that hold the id of another context's row when that is deleted."""

import sys
import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connections, models, transaction
from django.db.models import Model, QuerySet

from carveout.conf import context_of, get_settings
from carveout.conf.code_locations import MADE_AT
from carveout.conf.validation import suggest
from carveout.errors import DeclarationInvalid
from carveout.events.event import ReceivedEvent
from carveout.lookups.reader import Lookup
from carveout.subscriptions.subscription import subscribe

STEP = 500
"""Rows that one statement deletes or changes."""

JOB_LIMIT_S = 600.0
"""A job that is interrupted goes on where it was, but counts as a failed attempt."""

registry: dict[str, "Following"] = {}
"""What is declared in this process, by the model's label and its column's name."""


@dataclass(frozen=True)
class Following:
    """A column of ids of another context's rows."""

    model: type[Model]
    attribute: str
    deleted: str
    """The event that announces a deleted row there."""
    by: str
    """The event's field that holds the id; empty: the event's key."""
    reader: type[Lookup]
    """Of the owner's lookup that finds a row by this id."""
    subscription: str
    deletes: bool
    """Rows are deleted; otherwise they get a value."""
    value: Callable[[], Any] = field(repr=False)

    @property
    def name(self) -> str:
        """As commands show it: `notifications.Notification.order_id`."""
        return f"{self.model._meta.label}.{self.attribute}"

    def replaces(self, relation: str) -> bool:
        """Whether the column is all that is left of this relation, such as `orders.Order.buyer`."""
        label, _, name = relation.rpartition(".")
        is_ours = (label, f"{name}_id") == (self.model._meta.label, self.attribute)
        return is_ours and name not in {each.name for each in self.model._meta.get_fields()}

    @property
    def database(self) -> str:
        return get_settings().database_of(self.subscription.partition(".")[0])

    def follow(self, ids: Iterable[Any]) -> int:
        """Delete or change the rows of deleted ids, in steps. Returns: how many.

        Outside a transaction, each step is one of its own. Rows that others have locked come last.
        """
        value = None if self.deletes else self.value()
        wanted = [each for each in ids if each != value]
        ours = self.rows.filter(**{f"{self.attribute}__in": wanted})
        skips = connections[self.database].features.has_select_for_update_skip_locked
        done = 0
        while True:
            with transaction.atomic(using=self.database):
                locked = ours.select_for_update(skip_locked=skips).order_by("pk")
                keys = list(locked.values_list("pk", flat=True)[:STEP])
                found = self.rows.filter(pk__in=keys)
                if self.deletes:
                    found.delete()
                else:
                    found.update(**{self.attribute: value})
            done += len(keys)
            if not keys and not skips:
                return done
            skips = skips and bool(keys)

    @property
    def rows(self) -> "QuerySet[Any]":
        return self.model._base_manager.using(self.database)


def follows(
    model: type[Model],
    attribute: str,
    *,
    deleted: str,
    of: str,
    on_delete: Callable[..., Any],
    by: str = "",
    key: str = "id",
    via: str = "consumer",
    name: str = "",
) -> None:
    """Do for a column of ids of another context's rows what on_delete did for a foreign key.

    Write it in `subscribers.py`. It subscribes to the event `deleted`; `by` is the event's field
    that holds the id, if that is not the event's key. `manage.py unlink --sweep` finds rows that
    were written after the event: it asks the lookup `of`, which finds rows by `key`.

    attribute: the column's attribute, such as `order_id`; it may still belong to a foreign key.
    on_delete: CASCADE, SET_NULL, SET_DEFAULT or SET(…) of `django.db.models`.
    via: "consumer" handles all rows of an event in one transaction; "rq" in a job, in many small
        ones, for rows that are many.
    name: the subscription's name; default: the model's and the attribute's.

    Raises: DeclarationInvalid: a declaration that can't be right.
    """
    caller = sys._getframe(1)
    module = caller.f_globals["__name__"]
    who = f"carveout.follows({getattr(model, '__name__', model)}, {attribute!r}) in {module}"
    column = _column(model, attribute, who)
    deletes, value = _outcome(on_delete, column, who)
    function = name or f"{model._meta.model_name}_{attribute}"
    context = context_of(module).name
    reader = _reader(module, model, attribute, of, {key: type_of(column)})
    declared = Following(
        model, attribute, deleted, by, reader, f"{context}.{function}", deletes, value
    )

    def ids_of(events: Iterable[ReceivedEvent]) -> list[Any]:
        given = [event.data[by] if by else event.key for event in events]
        return [column.to_python(each) for each in given]

    def follow_event(event: ReceivedEvent) -> None:
        declared.follow(ids_of([event]))

    def follow_batch(deliveries: list[ReceivedEvent]) -> None:
        declared.follow(ids_of(deliveries))

    handler: Callable[..., None] = follow_event if via == "rq" else follow_batch
    handler.__module__, handler.__name__ = module, function
    setattr(handler, MADE_AT, (caller.f_code.co_filename, caller.f_lineno))
    handler.__doc__ = f"Follow deleted rows: {declared.name}."
    if via == "rq":
        subscribe(deleted, via=via, atomic=False, time_limit_s=JOB_LIMIT_S)(handler)
    else:
        subscribe(deleted, via=via, batch=True)(handler)
    registry[declared.name] = declared


def _column(model: Any, attribute: str, who: str) -> "models.Field[Any, Any]":
    if not (isinstance(model, type) and issubclass(model, Model)):
        raise DeclarationInvalid(f"{who}: the first argument is not a model.")
    for each in model._meta.local_concrete_fields:
        if each.attname == attribute:
            return each
    names = [each.attname for each in model._meta.local_concrete_fields]
    raise DeclarationInvalid(f"{who}: there is no such column. {suggest(attribute, names)}")


def _outcome(on_delete: Any, column: Any, who: str) -> tuple[bool, Callable[[], Any]]:
    """Whether rows are deleted, and otherwise what gives the value that they get."""
    name = getattr(on_delete, "__name__", "").removeprefix("DB_")
    if hasattr(on_delete, "deconstruct"):  # SET(…)
        given = on_delete.deconstruct()[1][0]
        return False, given if callable(given) else lambda: given
    if name == "SET_NULL" and not column.null:
        raise DeclarationInvalid(f"{who}: SET_NULL needs null=True in {column.name}.")
    if name == "SET_DEFAULT" and not column.has_default():
        raise DeclarationInvalid(f"{who}: SET_DEFAULT needs a default in {column.name}.")
    if name == "SET_DEFAULT":
        return False, column.get_default
    if name in ("CASCADE", "SET_NULL"):
        return name == "CASCADE", lambda: None
    raise DeclarationInvalid(
        f"{who}: on_delete={name or repr(on_delete)} can't follow an event. Use CASCADE, SET_NULL,"
        " SET_DEFAULT or SET(…); for ids that may be left, declare nothing."
    )


def _reader(
    module: str, model: type[Model], attribute: str, of: str, fields: dict[str, type]
) -> type[Lookup]:
    """A reader of the owner's lookup that needs only the id."""

    def body(namespace: dict[str, Any]) -> None:
        namespace |= {"__module__": module, "__annotations__": fields}
        namespace["__doc__"] = f"Which ids in {model._meta.label}.{attribute} have a row."

    name = f"{model.__name__}{attribute.title().replace('_', '')}"
    return types.new_class(name, (Lookup,), {"of": of}, body)


def type_of(column: Any) -> type:
    """The type of the ids."""
    while isinstance(column, models.ForeignKey):
        column = column.target_field
    if isinstance(column, models.IntegerField | models.AutoField):
        return int
    return UUID if isinstance(column, models.UUIDField) else str
