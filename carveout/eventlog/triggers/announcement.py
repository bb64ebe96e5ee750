"""Declares announced tables: which events the database itself stores when a table changes."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db.models import Model

from carveout.conf import code_locations, get_settings
from carveout.errors import DeclarationInvalid
from carveout.events.event import Event, type_name

registry: dict[str, "Announcement"] = {}
"""Announced tables of this process, by the label of their model."""


@dataclass(frozen=True)
class Announcement:
    """The events of one table."""

    model: type[Model]
    context: str
    at: str
    """File and line of the declaration."""
    created: type[Event] | None = None
    changed: type[Event] | None = None
    deleted: type[Event] | None = None
    watched: tuple[str, ...] = ()
    """The model's fields whose change is announced."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Fields of the model by fields of the events, where their names differ."""

    @property
    def events(self) -> list[type[Event]]:
        """The types that it announces, each once."""
        declared = (self.created, self.changed, self.deleted)
        return list(dict.fromkeys(each for each in declared if each))

    @property
    def table(self) -> str:
        """The name of the table in the database."""
        return str(self.model._meta.db_table)

    @property
    def database(self) -> str:
        """The alias of the database where the table and the log are."""
        return get_settings().database_of(self.context)

    def model_field_of(self, event_field: str) -> str:
        """The name of the model's field from which an event's field is filled."""
        return self.fields.get(event_field, event_field)


def announces(
    model: type[Model],
    *,
    created: type[Event] | None = None,
    changed: tuple[type[Event], Sequence[str]] | None = None,
    deleted: type[Event] | None = None,
    fields: Mapping[str, str] | None = None,
) -> None:
    """Let the database announce what happens to a model's table, whatever program writes it.

    Write it in `events.py`, then run `manage.py announce --write` and `manage.py migrate`. Each
    field of an event is filled from the model's field of the same name, or from the one that
    `fields` names: `fields={"order_number": "number"}`. `changed=(Event, [fields])` announces a
    row if one of these fields of the model got another value. A row whose key or primary key
    changes is announced as deleted, and as created under its new key.

    Raises: DeclarationInvalid: a declaration that can't be right. `manage.py check` finds the rest.
    """
    at = _caller()
    event, watched = _changed(changed, at)
    announced = [each for each in (created, event, deleted) if each is not None]
    _check(model, announced, at)
    contexts = {type_name(each).split(".")[0] for each in announced}
    if len(contexts) > 1:
        raise DeclarationInvalid(
            f"{at}: carveout.announces({model.__name__}) has events of several contexts"
            f" ({', '.join(sorted(contexts))}). A table is announced by the context that owns it."
        )
    label, known = model._meta.label, registry.get(model._meta.label)
    if known and known.at != at:
        raise DeclarationInvalid(
            f"{label} is announced twice, {known.at} and {at}. Write one carveout.announces(…)."
        )
    registry[label] = Announcement(
        model, contexts.pop(), at, created, event, deleted, watched, dict(fields or {})
    )


def announced(contexts: Iterable[str]) -> Iterator[Announcement]:
    """The announced tables of these contexts, by label."""
    wanted = {*contexts}
    return (each for _, each in sorted(registry.items()) if each.context in wanted)


def _changed(changed: Any, at: str) -> tuple[type[Event] | None, tuple[str, ...]]:
    if changed is None:
        return None, ()
    if isinstance(changed, tuple) and len(changed) == 2 and not isinstance(changed[1], str):
        return changed[0], tuple(changed[1])
    raise DeclarationInvalid(
        f'{at}: changed={changed!r} is not an event and fields. Write changed=(Event, ["field"]).'
    )


def _check(model: Any, events: Sequence[Any], at: str) -> None:
    if not (isinstance(model, type) and issubclass(model, Model)):
        raise DeclarationInvalid(f"{at}: carveout.announces({model!r}): the first is not a model.")
    for each in events:
        if not (isinstance(each, type) and issubclass(each, Event)):
            raise DeclarationInvalid(
                f"{at}: {each!r} is not a subclass of carveout.Event, so {model.__name__} can't"
                " be announced with it."
            )
    if not events:
        raise DeclarationInvalid(
            f"{at}: carveout.announces({model.__name__}) names no event. Add created=, changed="
            " or deleted=."
        )


def _caller() -> str:
    """File and line of the code that called `announces`."""
    frame = sys._getframe(2)
    path, root = Path(frame.f_code.co_filename), code_locations.root()
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    return f"{shown.as_posix()}:{frame.f_lineno}"
