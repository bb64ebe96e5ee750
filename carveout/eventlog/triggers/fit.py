"""Whether announced tables can be: what no trigger could write is found before it is installed."""

import types
from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from carveout.conf import get_settings
from carveout.conf.validation import suggest
from carveout.eventlog.triggers import columns
from carveout.eventlog.triggers.announcement import Announcement
from carveout.events.event import KEY_MAX, Event, type_name


class Unfit(NamedTuple):
    """Why a table can't be announced, and the fix."""

    text: str
    fix: str


def problems(announcement: Announcement) -> Iterator[Unfit]:
    """Everything that is wrong with the declaration of one announced table."""
    model, label = announcement.model, announcement.model._meta.label
    if model._meta.proxy or model._meta.abstract:
        concrete = model._meta.concrete_model
        fix = f"Announce {concrete._meta.label}." if concrete else "Announce a model with a table."
        yield Unfit(f"{label} has no table of its own.", fix)
        return
    owner = get_settings().context_of(model.__module__)
    if owner is None or owner.name != announcement.context:
        found = f"of context {owner.name}" if owner else "of no context"
        yield Unfit(
            f"{label} is {found}, its events are of {announcement.context}.",
            "Announce a table by the context that owns it.",
        )
    for name in announcement.fields.keys() - _event_fields(announcement):
        yield Unfit(
            f"fields={{{name!r}: …}}: none of the events has a field {name!r}.",
            suggest(name, _event_fields(announcement)) or "Remove it.",
        )
    for event in announcement.events:
        yield from _event(announcement, event)
    yield from _watched(announcement)


def _event_fields(announcement: Announcement) -> set[str]:
    return {name for each in announcement.events for name in each.__struct_fields__}


def _event(announcement: Announcement, event: type[Event]) -> Iterator[Unfit]:
    who = type_name(event)
    if event.event_carries:
        yield Unfit(
            f"{who} carries {event.event_carries}, which no trigger can serialize.",
            "Leave `carries` out, so that subscribers look it up, or publish the event in code.",
        )
    hints = get_type_hints(event, include_extras=True)
    for name in event.__struct_fields__:
        yield from _field(announcement, event, name, hints[name])


def _field(announcement: Announcement, event: type[Event], name: str, hint: Any) -> Iterator[Unfit]:
    who, label = f"{type_name(event)}.{name}", announcement.model._meta.label
    wanted = announcement.model_field_of(name)
    known = columns.own_fields(announcement.model)
    if wanted not in known:
        inherited = wanted in {each.name for each in announcement.model._meta.get_fields()}
        why = "has no column in its table" if inherited else "does not exist"
        yield Unfit(
            f"{who} would be filled from {label}.{wanted}, which {why}.",
            suggest(wanted, known) or f'Add fields={{"{name}": "<a field of {label}>"}}.',
        )
        return
    field, kind = known[wanted], columns.kind_of(known[wanted])
    if kind is None:
        yield Unfit(
            f"{who}: a trigger can't write {label}.{wanted} of type {field.get_internal_type()}.",
            "Leave it out: subscribers look it up.",
        )
        return
    base, optional = _annotated(hint)
    its_type = field.get_internal_type()
    if base not in {kind.annotation, *([str] if kind.is_text_in_json else [])}:
        shown = getattr(hint, "__name__", hint)
        yield Unfit(
            f"{who} is declared as {shown}, but {label}.{wanted} is of type {its_type}.",
            f"Declare it as {kind.annotation.__name__}.",
        )
    elif field.null and not optional:
        yield Unfit(
            f"{who} may not be None, but {label}.{wanted} may be NULL.",
            f"Declare it as {kind.annotation.__name__} | None.",
        )
    if name == event.event_key:
        yield from _key(who, field, kind)


def _key(who: str, field: Any, kind: columns.Kind) -> Iterator[Unfit]:
    length = getattr(field, "max_length", None)
    too_long = kind is columns.TEXT and not field.is_relation and not 0 < (length or 0) <= KEY_MAX
    if kind not in columns.KEYS or field.null or too_long:
        yield Unfit(
            f"{who} is the key, but {field.name} is not a column with a short key in every row.",
            f"A key is a number, a UUID or a text of at most {KEY_MAX} characters, and not NULL.",
        )


def _annotated(hint: Any) -> tuple[Any, bool]:
    """An annotation without None, and whether it allows None."""
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) not in (Union, types.UnionType):
        return hint, False
    rest = [each for each in get_args(hint) if each is not type(None)]
    return rest[0] if len(rest) == 1 else hint, len(rest) < len(get_args(hint))


def _watched(announcement: Announcement) -> Iterator[Unfit]:
    known, label = columns.own_fields(announcement.model), announcement.model._meta.label
    for name in announcement.watched:
        if name not in known:
            yield Unfit(
                f"changed=(…, [{name!r}]): {label} has no such column.",
                suggest(name, known) or "Name fields of the model.",
            )
    if announcement.changed and not announcement.watched:
        yield Unfit(
            f"changed=(…, []) names no field of {label}, so no change would be announced.",
            "Name the fields whose change is announced.",
        )
