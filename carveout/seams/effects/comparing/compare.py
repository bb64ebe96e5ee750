"""Compares what a call did with what its event does."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from carveout.seams.effects.comparing.announcement_pairs import (
    order_differences,
    pair_announcements,
)
from carveout.seams.effects.comparing.announcements import KINDS, UNRECORDABLE
from carveout.seams.effects.comparing.changed_rows import deletes_of_one_side, updates
from carveout.seams.effects.comparing.differences import (
    Difference,
    bounded,
    difference,
    extra,
    missing,
)
from carveout.seams.effects.comparing.effect import ABSENT, Effect, Treatment
from carveout.seams.effects.comparing.inserted_keys import label_of, same
from carveout.seams.effects.comparing.normal_form import NormalForm, normal_form
from carveout.seams.effects.comparing.row_pairs import pair_rows
from carveout.seams.effects.comparing.rules import Rules
from carveout.seams.effects.comparing.schema import Schema
from carveout.seams.effects.comparing.time_windows import Clock, TimeWindow
from carveout.seams.effects.effects import Effects

NO_RULES = Rules()


def compare(
    by_call: Effects,
    by_event: Effects,
    schema: Schema,
    rules: Rules = NO_RULES,
    windows: Iterable[TimeWindow] = (),
) -> list[Difference]:
    """Compare the effects of a call with those of its event. Empty: they are equal.

    Both have to begin with the same rows, in databases of the same vendor.

    windows: while the call ran, and while the handlers of the event ran. A time inside any of them
    is "now", on both sides.

    Raises: whatever a function of the rules raises.
    """
    treatment = Treatment(rules, Clock(windows))
    call, event = (normal_form(each, schema, treatment) for each in (by_call, by_event))
    found = chain(
        _of_inserted_rows(call, event, schema, treatment),
        _of_changed_rows(call, event, schema, treatment),
        *(_of_announcements(kind, call, event, treatment) for kind in KINDS),
    )
    return [*bounded(each for each in found if not rules.ignores(each.shape))]


def _of_inserted_rows(
    call: NormalForm, event: NormalForm, schema: Schema, treatment: Treatment
) -> Iterator[Difference]:
    pairs = pair_rows(call, event, schema)
    for one, other in pairs.equal:
        yield from _of_soft_fields(one, other, treatment)
    for one, other in pairs.others:
        yield from _of_fields(one, other, call, event)
        yield from _of_soft_fields(one, other, treatment)
    yield from (missing(f"{row.name}:", row.raw) for row in pairs.missing)
    yield from (extra(f"{row.name}:", row.raw) for row in pairs.extra)


def _of_changed_rows(
    call: NormalForm, event: NormalForm, schema: Schema, treatment: Treatment
) -> Iterator[Difference]:
    for one, other in updates(call, event, schema, treatment):
        yield from _of_fields(one, other, call, event)
        yield from _of_soft_fields(one, other, treatment)
    for change in deletes_of_one_side(call, event):
        yield missing(f"{change.table}: delete", change.before or {})
    for change in deletes_of_one_side(event, call):
        yield extra(f"{change.table}: delete", change.before or {})


def _of_announcements(
    kind: str, call: NormalForm, event: NormalForm, treatment: Treatment
) -> Iterator[Difference]:
    calls, events = call.announced[kind], event.announced[kind]
    pairs = pair_announcements(calls, events, (call.keys, event.keys))
    for one, other in pairs.others:
        yield from _of_fields(one, other, call, event)
    for one, other in (*pairs.equal, *pairs.others):
        yield from _of_soft_fields(one, other, treatment)
    yield from (missing(f"{each.name}:", each.raw) for each in pairs.missing)
    yield from (extra(f"{each.name}:", each.raw) for each in pairs.extra)
    if kind != UNRECORDABLE:
        yield from order_differences(kind, calls, events, pairs.equal)


def _of_fields(
    one: Effect, other: Effect, call: NormalForm, event: NormalForm
) -> Iterator[Difference]:
    for name in dict.fromkeys((*one.fields, *one.links, *other.fields, *other.links)):
        values = one.value(name), other.value(name)
        if not same(*values, (call.keys, event.keys), label_of):
            shown = (_named(value, form) for value, form in zip(values, (call, event), strict=True))
            yield difference(f"{one.name}.{name}", *shown)


def _named(value: Any, form: NormalForm) -> Any:
    return form.keys.named(value, label_of)


def _of_soft_fields(one: Effect, other: Effect, treatment: Treatment) -> Iterator[Difference]:
    for name in dict.fromkeys((*one.soft, *other.soft)):
        values = one.soft.get(name, ABSENT), other.soft.get(name, ABSENT)
        if not treatment.equal_if(one.name, name)(*values):
            yield difference(f"{one.name}.{name}", *values)
