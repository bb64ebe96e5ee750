"""This process: its breakers, and if it is a worker, its pulse and its leases."""

from collections.abc import Callable, Iterable, Iterator

from carveout import transport
from carveout.event import Place
from carveout.metrics.metric import Metric, Sample
from carveout.pulse import Pulse

LeasesHeld = Callable[[], Iterable[tuple[str, Place, bool]]]
"""Tells which partitions a consumer works on, by subscribing context, and whether each stands."""

BREAKER = Metric(
    "gauge",
    "carveout_breaker_open",
    "1 while this process does not ask a context, because it did not answer lately.",
    ["context"],
)
TURNS = Metric(
    "counter", "carveout_worker_turns", "Turns of the worker's loop that went well.", ["worker"]
)
TURNED_AT = Metric(
    "gauge",
    "carveout_worker_last_turn_timestamp_seconds",
    "When the worker's loop last turned, well or not; its start, if never.",
    ["worker"],
)
FAILURES = Metric(
    "counter",
    "carveout_worker_failures",
    "Turns that ended because a database or Redis did not answer.",
    ["worker"],
)
LEASE = Metric(
    "gauge",
    "carveout_lease_held",
    "1 for each partition that this consumer works on.",
    ["subscriber", "context", "partition"],
)
STANDS = Metric(
    "gauge",
    "carveout_consumer_stands",
    "1 for each of them that needs a person: its log is another, or what comes next is gone.",
    ["subscriber", "context", "partition"],
)


def look() -> Iterator[Sample]:
    """What every process can tell."""
    for owner, breaker in sorted(transport.breakers.items()):
        yield Sample(BREAKER, [owner], float(breaker.has_tripped))


def look_at_worker(pulse: Pulse, leases_held: LeasesHeld) -> Iterator[Sample]:
    """What a worker can tell."""
    yield Sample(TURNS, [pulse.name], pulse.turns)
    yield Sample(TURNED_AT, [pulse.name], pulse.turned_at)
    yield Sample(FAILURES, [pulse.name], pulse.failures)
    for subscriber, (context, partition), stands in leases_held():
        yield Sample(LEASE, [subscriber, context, str(partition)], 1)
        yield Sample(STANDS, [subscriber, context, str(partition)], stands)
