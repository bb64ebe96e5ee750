"""The checker: the eight invariants, asked of the databases and of Redis and of nobody else."""

import json
from dataclasses import dataclass, fields
from itertools import pairwise

from tests.chaos.brittle import Brittle
from tests.chaos.stores import Stores

HEARD = {"one": ("0", "1"), "batch": ("0", "1"), "job": ("1",)}
"""Subscriptions, and whether they hear entries that close an account, and those that do not."""


@dataclass
class Findings:
    """How often each invariant was broken."""

    lost: int = 0
    """Effects that a committed entry should have had and has not."""
    doubled: int = 0
    phantom: int = 0
    """Effects, events or stream entries of what was never committed."""
    disordered: int = 0
    """Effects that came after one of a later entry of their key."""
    gaps: int = 0
    """Positions that are missing, and stream entries that are not their log's row."""
    cursors: int = 0
    """Looks that saw a cursor go back, stand beyond its log, or apart from its effects."""
    pruned: int = 0
    """Looks that saw an event gone that some cursor had not passed."""
    stuck: int = 0
    """What was still under way 30 s after healing, and processes that died by themselves."""

    @property
    def clean(self) -> bool:
        return not any(getattr(self, each.name) for each in fields(self))

    def __str__(self) -> str:
        return ", ".join(f"{getattr(self, each.name)} {each.name}" for each in fields(self))


def under_way(stores: Stores) -> dict[str, int]:
    """What has not arrived yet: events without a position, behind a cursor, or parked."""
    unplaced = "SELECT count(*) FROM carveout_loggedevent WHERE position IS NULL"
    heads = stores.ledger("SELECT number, head FROM carveout_partition")
    cursors = stores.audit("SELECT subscription, partition, position FROM carveout_cursor")
    parked = "SELECT subscription, state, count(*) FROM carveout_delivery GROUP BY 1, 2"
    at = {(name, partition): position for name, partition, position in cursors}
    left = {"without a position": stores.ledger(unplaced)[0][0]}
    for name in HEARD:
        behind = [head - at.get((f"audit.{name}", number), 0) for number, head in heads]
        left[f"{name} behind"] = sum(behind)
    left |= {f"{name} {state}": count for name, state, count in stores.audit(parked)}
    return {name: count for name, count in left.items() if count}


def check(stores: Stores, brittle: Brittle, found: Findings) -> None:
    """Compare what is there in the end with what was committed."""
    entries = {(key, number): bool(closing) for key, number, closing in _entries(stores)}
    effects = stores.audit(
        "SELECT subscription, key, number, event_id FROM audit_effect ORDER BY id"
    )
    _check_effects(entries, effects, found)
    _check_log(entries, stores, found)
    _check_streams(stores, brittle, found)


def _entries(stores: Stores) -> list[tuple[str, int, bool]]:
    return stores.ledger("SELECT key, number, closing FROM ledger_entry")


def _check_effects(entries, effects, found: Findings) -> None:
    for subscription in HEARD:
        heard = [(key, number) for name, key, number, _ in effects if name == subscription]
        wanted = {each for each in entries if subscription != "job" or entries[each]}
        found.lost += len(wanted - set(heard))
        found.doubled += len(heard) - len(set(heard))
        found.phantom += len(set(heard) - wanted)
        found.disordered += _disordered(heard)
    events = [(name, event_id) for name, _, _, event_id in effects]
    found.doubled += len(events) - len(set(events))


def _disordered(heard: list[tuple[str, int]]) -> int:
    last: dict[str, int] = {}
    wrong = 0
    for key, number in heard:
        wrong += number < last.get(key, 0)
        last[key] = max(number, last.get(key, 0))
    return wrong


def _check_log(entries, stores: Stores, found: Findings) -> None:
    log = stores.ledger(
        "SELECT partition, position, key, data FROM carveout_loggedevent"
        " ORDER BY partition, position"
    )
    found.gaps += sum(position is None for _, position, _, _ in log)
    placed = [row for row in log if row[1] is not None]
    for (partition, position, _, _), after in pairwise(placed):
        found.gaps += after[0] == partition and after[1] != position + 1
    announced = [(key, _number(data)) for _, _, key, data in placed]
    found.phantom += len(set(announced) - set(entries))
    found.doubled += len(announced) - len(set(announced))
    found.disordered += _disordered(announced)
    heads = stores.ledger(
        "SELECT head, (SELECT max(position) FROM carveout_loggedevent AS event"
        " WHERE event.partition = head.number) FROM carveout_partition AS head"
    )
    found.gaps += sum(head != (last or 0) for head, last in heads)


def _number(data: str) -> int:
    return int(json.loads(data)["number"])


def _check_streams(stores: Stores, brittle: Brittle, found: Findings) -> None:
    rows = stores.ledger(
        "SELECT partition, position, event_id, type, key, data FROM carveout_loggedevent"
    )
    log = {(partition, position): row for partition, position, *row in rows}
    first: dict[int, int] = {}
    for partition, position in log:
        first[partition] = min(position or 0, first.get(partition, position or 0))
    for name, entries in brittle.entries().items():
        partition = int(name.split("}")[0].rsplit(".", 1)[1])
        for entry_id, fields_ in entries:
            position = int(entry_id.split("-")[0])
            if position < first.get(partition, 0):
                continue  # its row is pruned
            row = log.get((partition, position))
            found.phantom += row is None
            found.gaps += row is not None and not _same(row, fields_)


def _same(row: list, fields_: dict[str, str]) -> bool:
    event_id, event_type, key, data = row
    told = (fields_["id"].replace("-", ""), fields_["type"], fields_["subject"], fields_["data"])
    return told == (str(event_id).replace("-", ""), event_type, key, data)
