"""Reads all that the survey needs from a model's fields, once, so that nothing raises later.

Django's own lists of relations ask every field of every model: one field that raises breaks them
all.
"""

from contextlib import AbstractContextManager
from typing import Any, NamedTuple, TypeGuard

from django.db.models import Model

from carveout.carving.survey.unread import FIELD, MODEL, Gaps


class Field(NamedTuple):
    """One field of a model, and its relation, if it is one."""

    itself: Any
    model: type[Model]
    """The model that defines it; for multi-table inheritance, the parent."""
    name: str
    is_relation: bool
    target: type[Model] | None
    """None: it leads to no model, or to any model."""
    made: bool
    """Created by Django: a parent link that is not in the code."""
    holds_key: bool
    """It has a column."""
    on_delete: str
    accessor: str = ""
    """The reverse accessor on rows of its target, or an empty string."""
    query_name: str = ""
    """Its name in lookups on its target, or an empty string."""


def fields_of(model: type[Model], gaps: Gaps) -> list[Field]:
    """The fields that can be read. Notes fields whose class raises, or lacks `is_relation`."""
    found: list[Field] = []
    with gaps.around(MODEL, _label(model), _class(model)):
        meta = model._meta
        for each in [*meta.local_fields, *meta.local_many_to_many, *meta.private_fields]:
            name = name_of(each)
            with around(name, model, gaps):
                found.append(_read(each, model))
                found[-1] = _with_way_back(found[-1])
    return found


def around(name: str, model: type[Model], gaps: Gaps) -> AbstractContextManager[None]:
    """A context manager that notes what a field raises."""
    wheres = [f"{each.__module__}.{each.__qualname__}.{name}" for each in model.__mro__]
    return gaps.around(FIELD, f"{_label(model)}.{name}", *wheres, _class(model))


def name_of(field: Any) -> str:
    """The field's name, or its class's name if reading the name raises."""
    try:
        return str(field.name)
    except Exception:  # a project's own class may raise anything
        return type(field).__qualname__


def is_model(found: Any) -> TypeGuard[type[Model]]:
    """Is this a model? Asks type(), because a lazy object would evaluate itself, and may raise."""
    return issubclass(type(found), type) and issubclass(found, Model)


def _read(field: Any, model: type[Model]) -> Field:
    is_relation = bool(field.is_relation)
    target = field.related_model if is_relation else None
    if isinstance(target, str) and not model._meta.abstract:
        raise LookupError(f"its target {target} does not exist")
    remote = getattr(field, "remote_field", None)
    return Field(
        itself=field,
        model=getattr(field, "model", model),
        name=str(field.name),
        is_relation=is_relation,
        target=target if is_model(target) else None,
        made=bool(getattr(field, "auto_created", False)),
        holds_key=getattr(field, "column", None) is not None,
        on_delete=getattr(getattr(remote, "on_delete", None), "__name__", ""),
    )


def _with_way_back(field: Field) -> Field:
    remote = field.itself.remote_field if field.target else None
    if remote is None:
        return field
    shown = not remote.hidden or field.itself.many_to_many
    accessor = str(remote.get_accessor_name() or "") if shown else ""
    return field._replace(accessor=accessor, query_name=str(field.itself.related_query_name()))


def _label(model: type[Model]) -> str:
    return str(model._meta.label)


def _class(model: type[Model]) -> str:
    return f"{model.__module__}.{model.__qualname__}"
