"""The effects of one side in the form in which they are compared."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from carveout.seams.effects.comparing import announcements
from carveout.seams.effects.comparing.effect import Effect, Treatment
from carveout.seams.effects.comparing.inserted_keys import InsertedKeys
from carveout.seams.effects.comparing.net_changes import Key, NetChange, frozen, net_changes
from carveout.seams.effects.comparing.schema import Schema
from carveout.seams.effects.effects import Effects, Values

EVENTS_TABLE = "carveout_loggedevent"


@dataclass(frozen=True)
class NormalForm:
    """All effects of one side."""

    inserted: list[Effect]
    changed: dict[tuple[str, Key], NetChange]
    deleted: dict[tuple[str, Hashable], list[NetChange]]
    """By table and key. Rows of an unknown table are identified by their values."""
    announced: dict[str, list[Effect]]
    """By kind: events, mails, jobs, requests, and what can't be recorded."""
    keys: InsertedKeys
    by_key: dict[tuple[str, Key], Effect]
    """The inserted rows whose key may be another one each time."""

    def linked(self, table: str, value: Any) -> Effect | None:
        """The inserted row that a foreign key to this table refers to."""
        return self.by_key.get((table, (value,)))


def normal_form(effects: Effects, schema: Schema, treatment: Treatment) -> NormalForm:
    """Reduces effects to what counts."""
    changes = net_changes(effects.rows, schema)
    events = [each for each in changes if _is_event(each)]
    inserts = [each for each in changes if each.before is None and not _is_event(each)]
    inserted = [_row(each, schema, treatment) for each in inserts]
    named = [row for row in inserted if schema.has_new_keys(row.name)]
    form = NormalForm(
        inserted=inserted,
        changed=_changed(changes),
        deleted=_deleted(changes),
        announced=announcements.normal(
            [each.after for each in events if each.after], effects.outside, treatment
        ),
        keys=InsertedKeys(named),
        by_key={(row.name, row.key): row for row in named if row.key is not None},
    )
    for row in inserted:
        link(row, form, schema, treatment)
    return form


def _is_event(change: NetChange) -> bool:
    return change.table == EVENTS_TABLE and change.before is None


def _row(change: NetChange, schema: Schema, treatment: Treatment) -> Effect:
    table, raw = schema.table(change.table), change.after or {}
    fields = dict(sorted(raw.items()))
    fields |= {name: column(raw, name, table.json) for name in table.json & raw.keys()}
    for name in table.key if table.generated else ():
        fields.pop(name, None)
    row = treatment.effect(change.table, raw, fields)
    row.key = change.key
    return row


def column(row: Values, name: str, with_json: Iterable[str]) -> Any:
    """A value of a row. SQLite stores JSON as text, in which the order does not count."""
    value = row[name]
    return announcements.parsed(value) if name in with_json and isinstance(value, str) else value


def _changed(changes: Iterable[NetChange]) -> dict[tuple[str, Key], NetChange]:
    return {
        (each.table, each.key): each
        for each in changes
        if each.key is not None and each.before is not None and each.after is not None
    }


def _deleted(changes: Iterable[NetChange]) -> dict[tuple[str, Hashable], list[NetChange]]:
    found: dict[tuple[str, Hashable], list[NetChange]] = {}
    for each in changes:
        if each.after is None:
            identity = frozen(each.before) if each.key is None else each.key
            found.setdefault((each.table, identity), []).append(each)
    return found


def link(row: Effect, form: NormalForm, schema: Schema, treatment: Treatment) -> None:
    """Replace a row's foreign keys to rows that the same effects inserted."""
    for name, target in schema.table(row.name).references.items():
        linked = form.linked(target, row.raw.get(name))
        if linked and name in row.fields and not treatment.of(row.name, name).cleaners:
            row.links[name] = linked
            del row.fields[name]
