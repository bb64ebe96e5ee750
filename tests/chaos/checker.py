"""The checker: the invariants, asked of the databases and of Redis and of nobody else."""

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field, fields
from itertools import pairwise

from tests.chaos.brittle import Brittle
from tests.chaos.fate import OWN_ERROR, fate
from tests.chaos.stores import Stores

HEADS = "SELECT number, head FROM carveout_partition WHERE context = 'ledger'"
HEARD = {"one": "all", "batch": "all", "job": "closing"}
"""Subscriptions, and which entries they hear: all, or those that close an account."""
ORDERED = ("one", "job")
"""Declared as ordered. The others are in order as long as nothing fails."""
HEARD_BESIDES = {
    "handlers": {"doomed": "closing"},
    "releases": {"wide": "all", "late": "closing"},
}
"""More of them, by the kind of fault that they are there for."""
OTHERS_MAX = 0.2
"""So much of what is doomed in one way may be dead with another error: its process was killed at
the last attempt, or was paused past its time limit."""


@dataclass(frozen=True)
class Truth:
    """What the checker has to know beside what the ledger says."""

    kinds: Collection[str] = ()
    seed: str = ""
    undone: frozenset[str] = frozenset()
    """Events that a restore took back. What had heard them before may keep its effects."""
    again: frozenset[str] = frozenset()
    """Events that a restore left without the position that they had. Who replays what came after
    the backup may hear them again."""

    broken_off: int = 0
    """So many attempts of jobs may have been counted and never ended."""

    def heard(self) -> dict[str, str]:
        heard = dict(HEARD)
        for kind in self.kinds:
            heard |= HEARD_BESIDES.get(kind, {})
        return heard

    def in_order(self) -> tuple[str, ...]:
        """The subscriptions of which each effect comes after those of earlier entries."""
        return ORDERED if "handlers" in self.kinds else (*ORDERED, "batch")

    def fate(self, subscription: str, entry: "Entry") -> str:
        return fate(self.seed, subscription, *entry) if "handlers" in self.kinds else ""


Entry = tuple[str, int]
"""Its key and number."""
Entries = dict[Entry, bool]
"""All that were committed, and whether they close their account."""


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

    misjudged: int = 0
    """Events that are dead and should not be, or the other way round, or have another's error; and
    attempts that were counted and not made."""

    told: list[str] = field(default_factory=list)
    """Of what was misjudged, each one."""

    @property
    def clean(self) -> bool:
        return not any(self.counts().values())

    def add(self, other: "Findings") -> None:
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def counts(self) -> dict[str, int]:
        return {name: count for name, count in vars(self).items() if name != "told"}

    def __str__(self) -> str:
        return ", ".join(f"{count} {name}" for name, count in self.counts().items())


def under_way(stores: Stores, truth: Truth = Truth()) -> dict[str, int]:
    """What has not arrived yet: events without a position, behind a cursor, or parked.

    What is doomed has arrived when it is dead.
    """
    unplaced = "SELECT count(*) FROM carveout_loggedevent WHERE position IS NULL"
    heads = stores.ledger(HEADS)
    cursors = stores.audit(
        "SELECT subscription, partition, position FROM carveout_cursor WHERE context = 'ledger'"
    )
    parked = "SELECT subscription, state, count(*) FROM carveout_delivery GROUP BY 1, 2"
    at = {(name, partition): position for name, partition, position in cursors}
    left = {"without a position": stores.ledger(unplaced)[0][0]}
    for name in truth.heard():
        behind = [head - at.get((f"audit.{name}", number), 0) for number, head in heads]
        left[f"{name} behind"] = sum(behind)
    if "copies" in truth.kinds:
        left["copy_card behind"] = _copy_behind(stores)
    left |= {f"{name} {state}": count for name, state, count in stores.audit(parked)}
    left.pop("audit.doomed dead", None)
    return {name: count for name, count in left.items() if count}


def _copy_behind(stores: Stores) -> int:
    heads = "SELECT sum(head) FROM carveout_partition WHERE context = 'cards'"
    passed = "SELECT coalesce(sum(position), 0) FROM carveout_cursor WHERE context = 'cards'"
    return int(stores.ledger(heads)[0][0] or 0) - int(stores.audit(passed)[0][0])


def check(stores: Stores, brittle: Brittle, found: Findings, truth: Truth = Truth()) -> None:
    """Compare what is there in the end with what was committed."""
    rows = stores.ledger("SELECT key, number, closing FROM ledger_entry")
    entries = {(key, number): bool(closing) for key, number, closing in rows}
    _check_effects(entries, stores, found, truth)
    if "handlers" in truth.kinds:
        _check_doomed(entries, stores, found, truth)
        _check_remarks(entries, stores, found, truth)
    if "releases" in truth.kinds:
        _check_attempts(stores, found, truth)
    if "copies" in truth.kinds:
        _check_cards(stores, found)
    _check_log(entries, stores, found)
    _check_streams(stores, brittle, found)


def _wanted(entries: Entries, which: str) -> set[Entry]:
    return {entry for entry, closing in entries.items() if closing or which == "all"}


def _check_effects(entries: Entries, stores: Stores, found: Findings, truth: Truth) -> None:
    rows = stores.audit("SELECT subscription, key, number, event_id FROM audit_effect ORDER BY id")
    effects, seen = [], set[tuple[str, str]]()
    for name, key, number, event_id in rows:
        event = plain(event_id)
        if event not in truth.again or (name, event) not in seen:
            effects.append((name, (key, number), event))
        seen.add((name, event))
    found.doubled += len(effects) - len(seen)
    for subscription, which in truth.heard().items():
        heard = [
            entry
            for name, entry, event in effects
            if name == subscription and event not in truth.undone
        ]
        wanted = _wanted(entries, which)
        if subscription == "doomed":
            wanted = {entry for entry in wanted if not truth.fate("doomed", entry)}
        found.lost += len(wanted - set(heard))
        found.doubled += len(heard) - len(set(heard))
        found.phantom += len(set(heard) - wanted)
        if subscription in truth.in_order():
            found.disordered += _disordered(heard)
    found.phantom += sum(name not in truth.heard() for name, _, _ in effects)


def _check_doomed(entries: Entries, stores: Stores, found: Findings, truth: Truth) -> None:
    """They are dead and nothing else is, with an error that says what was wrong with them."""
    told = stores.ledger("SELECT event_id, key, number FROM ledger_entry")
    known = {plain(event): (key, number) for event, key, number in told}
    rows = stores.audit(
        "SELECT event_id, error_type FROM carveout_delivery"
        " WHERE subscription = 'audit.doomed' AND state = 'dead'"
    )
    dead = {known.get(plain(event), ("", 0)): error for event, error in rows}
    ways = {entry: truth.fate("doomed", entry) for entry in _wanted(entries, "closing")}
    doomed = {entry: way for entry, way in ways.items() if way}
    for entry in dead.keys() ^ doomed.keys():
        found.misjudged += 1
        found.told.append(f"doomed {entry}: {doomed.get(entry)}, dead with {dead.get(entry)}")
    others = Counter(
        way
        for entry, way in doomed.items()
        if entry in dead and not any(own in dead[entry] for own in OWN_ERROR[way])
    )
    for way, count in others.items():
        may_be = max(1, OTHERS_MAX * sum(each == way for each in doomed.values()))
        if count > may_be:
            found.misjudged += count
            found.told.append(f"{count} that {way} are dead with other errors")


def _check_remarks(entries: Entries, stores: Stores, found: Findings, truth: Truth) -> None:
    """What a handler writes into another database is there at least once."""
    rows = stores.ledger("SELECT subscription, key, number FROM ledger_remark")
    remarks = {(name, (key, number)) for name, key, number in rows}
    wanted = {
        (name, entry)
        for name, which in HEARD.items()
        for entry in _wanted(entries, which)
        if truth.fate(name, entry) == "writes elsewhere"
    }
    found.lost += len(wanted - remarks)
    found.phantom += len(remarks - wanted)


def _check_attempts(stores: Stores, found: Findings, truth: Truth) -> None:
    """No attempt is counted that was not made: what is new in release 2 never fails."""
    [(counted, failed)] = stores.audit(
        "SELECT coalesce(sum(CASE WHEN outcome = 'handled' THEN number - 1 ELSE 0 END), 0),"
        " coalesce(sum(CASE WHEN outcome = 'failed' THEN 1 ELSE 0 END), 0)"
        " FROM carveout_attempt WHERE subscription = 'audit.late'"
    )
    unmade = max(int(counted) - int(failed) - truth.broken_off, 0)
    if unmade:
        found.misjudged += unmade
        found.told.append(
            f"late: {counted} counted, {failed} failed, {truth.broken_off} broken off"
        )


def _check_cards(stores: Stores, found: Findings) -> None:
    """The table announced what happened to it, in order per key, and the copy equals it."""
    changes = stores.ledger("SELECT key, event FROM cards_change ORDER BY key, version")
    announced = stores.ledger(
        "SELECT key, type FROM carveout_loggedevent WHERE context = 'cards'"
        " ORDER BY key, partition, position"
    )
    happened = Counter((key, f"cards.{event}") for key, event in changes)
    told = Counter(announced)
    found.lost += (happened - told).total()
    found.doubled += (told - happened).total()
    found.disordered += happened == told and announced != [
        (key, f"cards.{event}") for key, event in changes
    ]
    cards = dict(stores.ledger("SELECT key, version FROM cards_card"))
    copied = dict(stores.audit("SELECT key, version FROM audit_card"))
    found.lost += sum(copied.get(key) != version for key, version in cards.items())
    found.phantom += len(copied.keys() - cards.keys())


def plain(event_id: object) -> str:
    """As SQLite stores it."""
    return str(event_id).replace("-", "")


def _disordered(heard: list[Entry]) -> int:
    last: dict[str, int] = {}
    wrong = 0
    for key, number in heard:
        wrong += number < last.get(key, 0)
        last[key] = max(number, last.get(key, 0))
    return wrong


def _check_log(entries: Entries, stores: Stores, found: Findings) -> None:
    log = stores.ledger(
        "SELECT partition, position, key, data FROM carveout_loggedevent"
        " WHERE context = 'ledger' ORDER BY partition, position"
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
        " WHERE event.partition = head.number AND event.context = 'ledger')"
        " FROM carveout_partition AS head WHERE context = 'ledger'"
    )
    found.gaps += sum(head != (last or 0) for head, last in heads)


def _number(data: str) -> int:
    return int(json.loads(data)["number"])


def _check_streams(stores: Stores, brittle: Brittle, found: Findings) -> None:
    rows = stores.ledger(
        "SELECT partition, position, event_id, type, key, data FROM carveout_loggedevent"
        " WHERE context = 'ledger'"
    )
    log = {(partition, position): row for partition, position, *row in rows}
    first: dict[int, int] = {}
    for partition, position in log:
        first[partition] = min(position or 0, first.get(partition, position or 0))
    for name, entries in brittle.entries().items():
        if "{ledger." not in name:
            continue
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
    told = (plain(fields_["id"]), fields_["type"], fields_["subject"], fields_["data"])
    return told == (plain(event_id), event_type, key, data)
