"""Groups deliveries by similar errors, and retries, discards or edits them."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import Count, Max, Min, QuerySet

from carveout.deliveries import store
from carveout.deliveries.fingerprint import normalized_message, raised_in
from carveout.errors import CarveoutError
from carveout.events import event
from carveout.models import Delivery
from carveout.operations import audit
from carveout.operations.audit import Actor


class EditRefused(CarveoutError):
    """The data is not valid for the event; nothing was changed."""


@dataclass
class ErrorGroup:
    """Deliveries of one database with similar errors."""

    database: str
    alike: str
    example: int = 0
    """The id of the newest delivery."""
    first: datetime | None = None
    last: datetime | None = None
    states: Counter[str] = field(default_factory=Counter)
    subscriptions: set[str] = field(default_factory=set)
    error_type: str = ""
    line: str = ""
    raised_in: str = ""

    @property
    def count(self) -> int:
        return self.states.total()


def groups(database: str) -> list[ErrorGroup]:
    """The groups of a database, the largest first."""
    rows = Delivery.objects.using(database).exclude(alike="").order_by()
    found: dict[str, ErrorGroup] = {}
    for row in rows.values("alike", "subscription", "state").annotate(
        count=Count("pk"), first=Min("parked_at"), last=Max("parked_at"), example=Max("pk")
    ):
        group = found.setdefault(row["alike"], ErrorGroup(database, row["alike"]))
        group.states[row["state"]] += row["count"]
        group.subscriptions.add(row["subscription"])
        group.first = min(filter(None, (group.first, row["first"])))
        group.last = max(filter(None, (group.last, row["last"])))
        group.example = max(group.example, row["example"])
    _describe(found.values(), database)
    return sorted(found.values(), key=lambda group: (-group.count, group.alike))


def _describe(found: Any, database: str) -> None:
    rows = Delivery.objects.using(database).only("error_type", "error", "traceback")
    examples = rows.in_bulk([group.example for group in found])
    for group in found:
        if group.example in examples:
            row = examples[group.example]
            group.error_type, group.line = row.error_type, normalized_message(row.error)
            group.raised_in = raised_in(row.traceback)


def retry(rows: "QuerySet[Delivery]", by: Actor, why: str) -> int:
    """Retry deliveries at once, dead ones too. Returns: how many."""
    return _act(rows, by, why, "retried", store.retry)


def discard(rows: "QuerySet[Delivery]", by: Actor, why: str) -> int:
    """Discard deliveries for good. Returns: how many."""
    return _act(rows, by, why, "discarded", store.discard)


ACTIONS = {"retry": retry, "discard": discard}


def _act(
    rows: "QuerySet[Delivery]",
    by: Actor,
    why: str,
    did: str,
    act: Callable[["QuerySet[Delivery]"], int],
) -> int:
    rows = rows.exclude(state=Delivery.State.TRYING)
    with transaction.atomic(using=rows.db):
        named = rows.only("subscription", "context", "partition", "position")
        chosen = list(named.order_by("pk"))
        done = act(rows)
        audit.record(by, did, chosen, why)
    return done


def edit(row: Delivery, data: dict[str, Any], by: Actor, why: str) -> bool:
    """Retry a delivery at once with other data. The audit keeps the old data.

    Returns: whether it was edited. A delivery that is done or being run is not.
    """
    database = row._state.db or "default"
    was = json.dumps(store.event_of(row).data, ensure_ascii=False)
    detail = f"Was: {was}\nIs: {json.dumps(data, ensure_ascii=False)}"
    with transaction.atomic(using=database):
        edited = store.replace_data(row, data, database)
        if edited:
            audit.record(by, "edited and retried", [row], why, detail)
    return edited


def checked(row: Delivery, text: str) -> dict[str, Any]:
    """Returns the edited data after checking that it is valid for the delivery's event.

    An event declared here is checked against its declaration, any other against its own fields.
    Raises: EditRefused: the data is not valid.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EditRefused(f"This is not valid JSON: {error}.") from error
    if not isinstance(data, dict):
        raise EditRefused("An event's data must be a JSON object, in braces.")
    if len(text.encode()) > event.EVENT_BYTES_MAX:
        raise EditRefused(f"At most {event.EVENT_BYTES_MAX} bytes are allowed.")
    received = store.event_of(row)
    declared = event.registry.get(received.type)
    if declared:
        _check_declared(declared, data, row.key)
    else:
        _check_alike(received.data, data)
    return data


def _check_declared(declared: type[event.Event], data: dict[str, Any], key: str) -> None:
    if unknown := data.keys() - set(declared.__struct_fields__):
        raise EditRefused(f"{declared.__name__} has no field {', '.join(sorted(unknown))}.")
    try:
        made = msgspec.convert(data, declared)
    except msgspec.ValidationError as error:
        raise EditRefused(f"The data does not fit {declared.__name__}: {error}.") from error
    if event.key_of(made) != key:
        raise EditRefused(f"{declared.event_key} is the event's key and must stay {key!r}.")


def _check_alike(was: dict[str, Any], data: dict[str, Any]) -> None:
    """Checks data declared in another deployment: its fields and their types must not change."""
    if was.keys() != data.keys():
        raise EditRefused(f"The fields must stay the same: {', '.join(was)}.")
    kinds = defaultdict(set)
    for name, value in (*was.items(), *data.items()):
        if value is not None:
            kinds[name].add("number" if type(value) in (int, float) else type(value).__name__)
    if other := [name for name, found in kinds.items() if len(found) > 1]:
        raise EditRefused(f"{other[0]} must keep the type of its value.")
