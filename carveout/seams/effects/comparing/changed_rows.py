"""Rows that existed before: updates, by the columns that either side changed, and deletes."""

from collections.abc import Iterator

from carveout.seams.effects.comparing.effect import Effect, Treatment
from carveout.seams.effects.comparing.net_changes import NetChange
from carveout.seams.effects.comparing.normal_form import NormalForm, column, link
from carveout.seams.effects.comparing.pairs import Pair
from carveout.seams.effects.comparing.schema import Schema
from carveout.seams.effects.effects import Values


def updates(
    call: NormalForm, event: NormalForm, schema: Schema, treatment: Treatment
) -> Iterator[Pair]:
    """Each row that either side updated and neither deleted, with the columns that changed.

    A side that did not change a row has it as it was before the other side changed it.
    """
    for row in dict.fromkeys((*call.changed, *event.changed)):
        if row in call.deleted or row in event.deleted:
            continue
        changes = call.changed.get(row), event.changed.get(row)
        names = sorted({name for each in changes if each for name in _changed_columns(each)})
        before = next(each.before or {} for each in changes if each)
        after = [(each.after if each else None) or before for each in changes]
        one, other = (
            _update(row[0], values, names, form, schema, treatment)
            for values, form in zip(after, (call, event), strict=True)
        )
        yield one, other


def _changed_columns(change: NetChange) -> Iterator[str]:
    before, after = change.before or {}, change.after or {}
    yield from (name for name in after if name not in before or before[name] != after[name])


def _update(
    table: str,
    row: Values,
    names: list[str],
    form: NormalForm,
    schema: Schema,
    treatment: Treatment,
) -> Effect:
    with_json = schema.table(table).json
    fields = {name: column(row, name, with_json) for name in names if name in row}
    effect = treatment.effect(table, row, fields)
    link(effect, form, schema, treatment)
    return effect


def deletes_of_one_side(one: NormalForm, other: NormalForm) -> Iterator[NetChange]:
    """The deletes that the other side lacks."""
    for row, deleted in one.deleted.items():
        yield from deleted[len(other.deleted.get(row, ())) :]
