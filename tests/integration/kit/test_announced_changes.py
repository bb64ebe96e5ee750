"""Random mixes of all that writes, in transactions with savepoints: the log says what happened.

What should be in it is told from the tables alone: they are read before and after each statement.

`make announced` does 100,000 changes with each of 5 seeds; `ANNOUNCED_CHANGES` and
`ANNOUNCED_SEEDS` choose other numbers.
"""

import os
import random
import sqlite3
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec
import psycopg
import pytest
from django.db import connections, transaction
from django.db.models import F

from carveout.models import LoggedEvent
from tests.integration.kit import steps, threads
from tests.integration.kit.tickets import stalls
from tests.integration.kit.tickets.stalls import Stall, Visit

CHANGES = int(os.environ.get("ANNOUNCED_CHANGES", "1500"))
SEEDS = os.environ.get("ANNOUNCED_SEEDS", "random").split()
ROWS_MAX = 40
STALLS = Stall.objects.using("kit")
VISITS = Visit.objects.using("kit")

pytestmark = [
    pytest.mark.usefixtures("announced"),
    pytest.mark.timeout(300 + CHANGES // 20),
]


@pytest.fixture
def announced(kit) -> Iterator[None]:
    kit.change("tickets", partitions=3)
    with stalls.announced():
        yield


class RolledBack(Exception):
    """A transaction or a savepoint is rolled back on purpose."""


Fact = tuple[str, str, Any]
"""What happened: type, key, and the rank where that tells two changes apart."""


class Fair:
    """Writes at random, and keeps what the log should say."""

    def __init__(self, seed: int, url: str) -> None:
        self.rng = random.Random(seed)
        self.url = url
        self.facts: list[Fact] = []
        self.names = iter(f"S-{number}" for number in range(10**9))
        self.alone = [self.other_program]
        self.acts = [
            *(self.create, self.save_title, self.save_rank, self.delete, self.bulk_create),
            *(self.upsert, self.bulk_update, self.update, self.update_title, self.raw_delete),
            *(self.raw_insert, self.raw_update, self.rename, self.visit, self.recode, self.leave),
        ]

    def work(self, changes: int) -> None:
        while len(self.facts) < changes:
            if self.rng.random() < 0.1:
                self.note(self.rng.choice([*self.alone, *self.acts]))  # in autocommit
            else:
                self.block(0)

    def block(self, depth: int) -> None:
        """A transaction or, inside one, a savepoint."""
        before = len(self.facts)
        with suppress(RolledBack), transaction.atomic(using="kit"):
            for _ in range(self.rng.randint(1, 5)):
                if depth < 3 and self.rng.random() < 0.3:
                    self.block(depth + 1)
                else:
                    self.note(self.rng.choice(self.acts))
            if self.rng.random() < 0.25:
                del self.facts[before:]
                raise RolledBack

    def note(self, act: Any) -> None:
        before = _tables()
        act()
        self.facts += _differences(before, _tables())

    def some(self) -> list[Stall]:
        rows = list(STALLS.order_by("id"))
        return self.rng.sample(rows, min(len(rows), self.rng.randint(1, 6)))

    def stall(self) -> Stall:
        return Stall(number=next(self.names), rank=self.rng.randint(0, 9))

    def create(self) -> None:
        if STALLS.count() > ROWS_MAX:  # one statement: a row that came and went would not be seen
            STALLS.filter(pk__in=[each.pk for each in self.some()]).delete()
        else:
            self.stall().save(using="kit")

    def save_title(self) -> None:
        for stall in self.some():
            stall.title = str(self.rng.random())
            stall.save(update_fields=["title"] if self.rng.random() < 0.5 else None)

    def save_rank(self) -> None:
        for stall in self.some()[:1]:
            stall.rank += 1
            stall.save()

    def delete(self) -> None:
        for stall in self.some()[:1]:
            stall.delete()

    def bulk_create(self) -> None:
        if STALLS.count() < ROWS_MAX:
            STALLS.bulk_create(self.stall() for _ in range(self.rng.randint(1, 8)))

    def upsert(self) -> None:
        rows = [Stall(number=each.number, rank=each.rank + 1) for each in self.some()[:3]]
        STALLS.bulk_create(
            [*rows, self.stall()],
            update_conflicts=True,
            unique_fields=["number"],
            update_fields=["rank"],
        )

    def bulk_update(self) -> None:
        rows = self.some()
        for each in rows:
            each.rank += self.rng.randint(0, 1)
        STALLS.bulk_update(rows, ["rank"])

    def update(self) -> None:
        STALLS.filter(rank__lte=self.rng.randint(0, 20)).update(rank=F("rank") + 1)

    def update_title(self) -> None:
        STALLS.update(title="again", price=F("price"))

    def raw_delete(self) -> None:
        STALLS.filter(pk__in=[each.pk for each in self.some()[:2]])._raw_delete("kit")

    def raw_insert(self) -> None:
        if STALLS.count() < ROWS_MAX:
            _run(
                "INSERT INTO kit_tickets_stall (number, title, price, is_open, rank)"
                " SELECT %s || number, title, price, is_open, rank FROM kit_tickets_stall"
                " WHERE rank < %s AND length(number) < 18",
                [f"C{next(self.names)}-", self.rng.randint(0, 9)],
            )

    def raw_update(self) -> None:
        _run("UPDATE kit_tickets_stall SET rank = rank + 1 WHERE price < %s", [2])

    def rename(self) -> None:
        for stall in self.some()[:2]:
            _run(
                "UPDATE kit_tickets_stall SET number = %s, rank = rank + 1 WHERE id = %s",
                [next(self.names), stall.pk],
            )

    def visit(self) -> None:
        VISITS.bulk_create(Visit(code=self.code(), stall=each) for each in self.some())

    def code(self) -> uuid.UUID:
        return uuid.UUID(int=self.rng.getrandbits(128))

    def recode(self) -> None:
        for visit in VISITS.order_by("id")[:1]:
            visit.code = self.code()
            visit.save()

    def leave(self) -> None:
        VISITS.filter(pk__in=list(VISITS.order_by("id")[:3].values_list("pk", flat=True))).delete()

    def other_program(self) -> None:
        statement = "UPDATE kit_tickets_stall SET rank = rank + 1 WHERE rank > 5"
        if self.url.startswith("sqlite"):
            other = sqlite3.connect(self.url.removeprefix("sqlite:///"))
            other.execute(statement)
            other.commit()
            other.close()
        else:
            with psycopg.connect(self.url) as other:
                other.execute(statement)


def _run(sql: str, values: list[object]) -> None:
    with connections["kit"].cursor() as cursor:
        cursor.execute(sql, values)


Tables = tuple[dict[int, tuple[Any, ...]], dict[int, str]]


def _tables() -> Tables:
    rows = STALLS.values_list("pk", "number", "price", "rank")
    visits = VISITS.values_list("pk", "code")
    return {pk: tuple(rest) for pk, *rest in rows}, {pk: str(code) for pk, code in visits}


def _differences(before: Tables, after: Tables) -> Iterator[Fact]:
    old, new = before[0], after[0]
    for pk in sorted(old.keys() | new.keys()):
        was, is_ = old.get(pk), new.get(pk)
        if was and (not is_ or was[0] != is_[0]):
            yield "StallRemoved", was[0], None
        if is_ and (not was or was[0] != is_[0]):
            yield "StallAdded", is_[0], None
        elif was and is_ and was != is_:
            yield "StallChanged", is_[0], is_[2]
    gone, there = before[1], after[1]
    for pk in sorted(gone.keys() | there.keys()):
        if gone.get(pk) != there.get(pk):
            if pk in gone:
                yield "VisitEnded", gone[pk], None
            if pk in there:
                yield "VisitBegun", there[pk], None


def _by_key(facts: list[Fact]) -> dict[str, list[Fact]]:
    found = defaultdict(list)
    for fact in facts:
        found[fact[1]].append(fact)
    return dict(found)


def _logged() -> list[Fact]:
    """What the log says, as the relay ordered it."""
    rows = LoggedEvent.objects.using("kit").order_by("partition", "position")
    return [
        (type_.partition(".")[2], key, msgspec.json.decode(data).get("rank"))
        for type_, key, data in rows.values_list("type", "key", "data")
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_log_says_exactly_what_happened(database, seed):
    seed = random.randrange(1_000_000) if seed == "random" else int(seed)
    print(f"ANNOUNCED_SEEDS={seed} ANNOUNCED_CHANGES={CHANGES} {database}")  # noqa: T201
    fair = Fair(seed, database)
    fair.work(CHANGES)
    steps.relay()
    found, told = _by_key(_logged()), _by_key(fair.facts)
    other = {key for key in found.keys() | told.keys() if found.get(key) != told.get(key)}
    assert {key: (found.get(key), told.get(key)) for key in other} == {}
    assert len(fair.facts) >= CHANGES


def test_the_events_of_a_key_are_in_the_order_of_their_commits(database):
    STALLS.bulk_create(Stall(number=f"S-{each}") for each in range(8))

    def write(seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(25):
            # In one order, so that no two wait for each other.
            numbers = sorted(rng.sample([f"S-{each}" for each in range(8)], 3))
            with suppress(RolledBack), transaction.atomic(using="kit"):
                for number in numbers:
                    STALLS.filter(number=number).update(rank=F("rank") + 1)
                if rng.random() < 0.2:
                    raise RolledBack

    threads.at_once(*(partial(write, seed) for seed in range(4)))
    steps.relay()
    ranks = defaultdict(list)
    for type_, key, rank in _logged():
        if type_ == "StallChanged":
            ranks[key].append(rank)
    for stall in STALLS.all():
        assert ranks[stall.number] == list(range(1, stall.rank + 1))
