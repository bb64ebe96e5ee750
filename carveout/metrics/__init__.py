"""Metrics: everything that Prometheus is shown. Each value is looked up when it is asked for.

Nothing is counted here while events flow: the database and Redis know it all. A look that fails
is told as such, and does not hide what the others find.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

from django.db import Error

from carveout.conf import get_settings
from carveout.connection import REDIS_ERRORS, impatient_client
from carveout.errors import CarveoutError
from carveout.metrics import deliveries, logs, process, subscriptions, tallies
from carveout.metrics.metric import Metric, Sample
from carveout.metrics.process import LeasesHeld
from carveout.pulse import Pulse

LOOKED = Metric(
    "gauge",
    "carveout_look_succeeded",
    "1 if this part of the metrics could be looked up; 0, and its metrics are absent, if not.",
    ["part", "of"],
)
ALL = [
    *(logs.PUBLISHED, logs.UNSEQUENCED, logs.UNSEQUENCED_AGE, logs.SHIPPED, logs.UNSHIPPED_AGE),
    logs.STOPPED,
    *(subscriptions.LAG, subscriptions.LAG_AGE, subscriptions.CONSUMERS),
    *(deliveries.DELIVERIES, deliveries.OLDEST),
    *(tallies.HEARD, tallies.FAILED, tallies.DONE, tallies.LOOKUPS, tallies.LOOKUPS_FAILED),
    *(process.BREAKER, process.TURNS, process.TURNED_AT, process.FAILURES, process.LEASE),
    process.STANDS,
    LOOKED,
]


class _Part(NamedTuple):
    """Some metrics that are looked up together."""

    name: str
    look: Callable[..., Iterator[Sample]]
    in_redis: bool = False


_OF_CONTEXTS = (
    _Part("log", logs.look),
    _Part("streams", logs.look_at_streams, in_redis=True),
    _Part("subscriptions", subscriptions.look),
    _Part("consumers", subscriptions.look_at_streams, in_redis=True),
)
_OF_DATABASES = (_Part("deliveries", deliveries.look),)
_OF_ALL = (_Part("tallies", tallies.look, in_redis=True), _Part("process", process.look))


def samples(pulse: Pulse | None = None, leases_held: LeasesHeld = tuple) -> Iterator[Sample]:
    """Everything about the contexts hosted here, and about the worker if this process is one."""
    redis_answers = _redis_answers()
    for part in _OF_ALL:
        yield from _looked(part, [], redis_answers=redis_answers)
    settings = get_settings()
    of = ((_OF_CONTEXTS, settings.hosted), (_OF_DATABASES, settings.hosted_databases))
    for parts, names in of:
        for part, name in product(parts, names):
            yield from _looked(part, [name], redis_answers=redis_answers)
    if pulse:
        yield from process.look_at_worker(pulse, leases_held)


def _redis_answers() -> bool:
    """Asked once: a Redis that hangs must not hold up each part anew."""
    try:
        return get_settings().uses_redis and bool(impatient_client().ping())
    except REDIS_ERRORS:
        return False


def _looked(part: _Part, of: Sequence[str], *, redis_answers: bool) -> Iterable[Sample]:
    if part.in_redis and not get_settings().uses_redis:
        return []
    found: list[Sample] = []
    try:
        if answers := redis_answers or not part.in_redis:
            found = list(part.look(*of))
    except (Error, CarveoutError, *REDIS_ERRORS):
        answers = False
    return [*found, Sample(LOOKED, [part.name, *of] if of else [part.name, ""], float(answers))]
