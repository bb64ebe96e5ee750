"""Collects everything that Prometheus is shown. Each value is read when it is asked for.

Nothing is counted here while events flow: the database and Redis have it all. A part that fails is
reported as failed, and does not hide the others.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

from django.db import Error

from carveout.conf import get_settings
from carveout.errors import CarveoutError
from carveout.operations.metrics import (
    counters,
    deliveries,
    logs,
    own_copies,
    process,
    subscriptions,
)
from carveout.operations.metrics.metric import Metric, Sample
from carveout.operations.metrics.process import LeasesHeld
from carveout.redis.client import REDIS_ERRORS, fast_client
from carveout.telemetry.liveness import Liveness

SUCCEEDED = Metric(
    "gauge",
    "carveout_look_succeeded",
    "1 if this part of the metrics could be read; 0 if not, and its metrics are absent.",
    ["part", "of"],
)
ALL = [
    *(logs.PUBLISHED, logs.UNSEQUENCED, logs.UNSEQUENCED_AGE, logs.SHIPPED, logs.UNSHIPPED_AGE),
    logs.STOPPED,
    *(subscriptions.LAG, subscriptions.LAG_AGE, subscriptions.CONSUMERS),
    *(deliveries.DELIVERIES, deliveries.OLDEST),
    *(own_copies.FILLED, own_copies.DIFFERENCES, own_copies.VERIFIED_AGE),
    *(counters.HEARD, counters.FAILED, counters.DONE, counters.LOOKUPS, counters.LOOKUPS_FAILED),
    *(process.BREAKER, process.TURNS, process.TURNED_AT, process.FAILURES, process.LEASE),
    process.STUCK,
    SUCCEEDED,
]


class _Part(NamedTuple):
    """Some metrics that are read together."""

    name: str
    samples: Callable[..., Iterator[Sample]]
    in_redis: bool = False


_OF_CONTEXTS = (
    _Part("log", logs.samples),
    _Part("streams", logs.stream_samples, in_redis=True),
    _Part("subscriptions", subscriptions.samples),
    _Part("own copies", own_copies.samples),
    _Part("consumers", subscriptions.stream_samples, in_redis=True),
)
_OF_DATABASES = (_Part("deliveries", deliveries.samples),)
_OF_ALL = (_Part("tallies", counters.samples, in_redis=True), _Part("process", process.samples))


def samples(liveness: Liveness | None = None, leases_held: LeasesHeld = tuple) -> Iterator[Sample]:
    """Everything about the contexts hosted here, and about the worker if this process is one."""
    redis_answers = _redis_answers()
    for part in _OF_ALL:
        yield from _part_samples(part, [], redis_answers=redis_answers)
    settings = get_settings()
    of = ((_OF_CONTEXTS, settings.hosted), (_OF_DATABASES, settings.hosted_databases))
    for parts, names in of:
        for part, name in product(parts, names):
            yield from _part_samples(part, [name], redis_answers=redis_answers)
    if liveness:
        yield from process.worker_samples(liveness, leases_held)


def _redis_answers() -> bool:
    """Asks once, so that a Redis that hangs does not delay every part."""
    try:
        return get_settings().uses_redis and bool(fast_client().ping())
    except REDIS_ERRORS:
        return False


def _part_samples(part: _Part, of: Sequence[str], *, redis_answers: bool) -> Iterable[Sample]:
    if part.in_redis and not get_settings().uses_redis:
        return []
    found: list[Sample] = []
    try:
        if answers := redis_answers or not part.in_redis:
            found = list(part.samples(*of))
    except (Error, CarveoutError, *REDIS_ERRORS):
        answers = False
    return [*found, Sample(SUCCEEDED, [part.name, *of] if of else [part.name, ""], float(answers))]
