"""consume_…: handlers that store a row for an event, to the same rows without the kit.

_each_vs_bare: Model.objects.create in transactions of 500.
_batch_vs_bare: bulk_create of 500 rows.
_batch_vs_limit: no Django: XRANGE of 500 entries, and one statement for their rows and the cursor.
_fail_1pct: one event of a hundred raises, to none.
"""

import uuid
from collections.abc import Callable, Iterator

import bulk.models
import single.models
from django.db import transaction
from effect import values
from single import subscribers

from bench.backlog import consumer, drain, empty, heard, prepare, rewind
from bench.questions.limit import Limit
from bench.rounds import Answer, Scale, in_turns, timed
from carveout.consumers.consumer import Consumer

EVENTS = 5_000
BATCH = 500
NEEDED = {
    "consume_each_vs_bare": ("each", "bare_each"),
    "consume_batch_vs_bare": ("batch", "bare_batch"),
    "consume_batch_vs_limit": ("batch", "limit"),
    "consume_fail_1pct": ("failing", "each"),
}


def measure(keys: list[str], quick: bool) -> dict[str, Answer]:
    scale = Scale(quick)
    count = scale.of(EVENTS)
    prepare(count)
    ours = {context: consumer(context) for context in ("single", "bulk")}
    events = [(uuid.uuid4(), f"K-{number}", number) for number in range(count)]
    limit = Limit(count)
    ways = {
        "each": lambda: _consume("single", ours["single"], count),
        "bare_each": lambda: _store("single", events, _create_each),
        "batch": lambda: _consume("bulk", ours["bulk"], count),
        "bare_batch": lambda: _store("bulk", events, _create_bulk),
        "limit": limit.run,
        "failing": lambda: _fail("single", ours["single"], count),
    }
    needed = {way for key in keys for way in NEEDED[key]}
    taken = in_turns(scale, {name: ways[name] for name in ways if name in needed}, "consume")
    return {key: taken.rates(*NEEDED[key]) for key in keys}


def _consume(context: str, ours: Consumer, count: int) -> float:
    rewind(context)
    seconds = timed(lambda: drain(ours), count)
    assert heard(context) >= count * 0.9
    return seconds


def _fail(context: str, ours: Consumer, count: int) -> float:
    subscribers.fails = True
    try:
        return _consume(context, ours, count)
    finally:
        subscribers.fails = False


def _store(context: str, events: list, create: Callable[[list], None]) -> float:
    empty(context)

    def store() -> None:
        for batch in _batches(events):
            with transaction.atomic():
                create(batch)

    return timed(store, len(events))


def _batches(events: list) -> Iterator[list]:
    for first in range(0, len(events), BATCH):
        yield events[first : first + BATCH]


def _create_each(batch: list) -> None:
    for event in batch:
        single.models.Effect.objects.create(**values(*event))


def _create_bulk(batch: list) -> None:
    bulk.models.Effect.objects.bulk_create([bulk.models.Effect(**values(*each)) for each in batch])
