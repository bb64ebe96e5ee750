"""Metrics of this process: its circuit breakers and, in a worker, its loop and leases."""

from collections.abc import Callable, Iterable, Iterator

from carveout.events.event import PartitionRef
from carveout.lookups import http
from carveout.operations.metrics.metric import Metric, Sample
from carveout.telemetry.liveness import Liveness

LeasesHeld = Callable[[], Iterable[tuple[str, PartitionRef, bool]]]
"""Gives a consumer's partitions, by subscribing context, and whether each has stopped."""

BREAKER = Metric(
    "gauge",
    "carveout_breaker_open",
    "1 while this process sends a context no requests, because it did not answer recently.",
    ["context"],
)
TURNS = Metric(
    "counter", "carveout_worker_turns", "Turns of the worker's loop that succeeded.", ["worker"]
)
TURNED_AT = Metric(
    "gauge",
    "carveout_worker_last_turn_timestamp_seconds",
    "When the worker's loop last turned, successfully or not; its start, if never.",
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
STUCK = Metric(
    "gauge",
    "carveout_consumer_stands",
    "1 for each held partition that needs a person: its log was replaced, or its next event is"
    " gone.",
    ["subscriber", "context", "partition"],
)


def samples() -> Iterator[Sample]:
    """Samples of every process."""
    for owner, breaker in sorted(http.breakers.items()):
        yield Sample(BREAKER, [owner], float(breaker.has_tripped))


def worker_samples(liveness: Liveness, leases_held: LeasesHeld) -> Iterator[Sample]:
    """Samples of a worker."""
    yield Sample(TURNS, [liveness.name], liveness.turns)
    yield Sample(TURNED_AT, [liveness.name], liveness.turned_at)
    yield Sample(FAILURES, [liveness.name], liveness.failures)
    for subscriber, (context, partition), is_stuck in leases_held():
        yield Sample(LEASE, [subscriber, context, str(partition)], 1)
        yield Sample(STUCK, [subscriber, context, str(partition)], is_stuck)
