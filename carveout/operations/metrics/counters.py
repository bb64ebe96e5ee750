"""Metrics from counters in Redis: handled events, failed attempts, lookups and their time."""

from collections.abc import Iterator

from carveout.conf import get_settings
from carveout.lookups import reader
from carveout.operations.metrics.metric import Metric, Sample
from carveout.subscriptions import subscription
from carveout.telemetry import counters

HEARD = Metric(
    "counter",
    "carveout_events_heard",
    "Events that a subscription's cursor has passed, handled or parked.",
    ["subscription", "type"],
)
FAILED = Metric(
    "counter",
    "carveout_attempts_failed",
    "Attempts to handle an event that ended with an error.",
    ["subscription", "type"],
)
DONE = Metric(
    "counter",
    "carveout_deliveries_done",
    "Deliveries that were handled, in a job or after a failure.",
    ["subscription", "type"],
)
LOOKUPS = Metric(
    "summary",
    "carveout_lookup_duration_seconds",
    "Requests for a lookup by the context that made them, and how long they took.",
    ["context", "lookup"],
)
LOOKUPS_FAILED = Metric(
    "counter",
    "carveout_lookup_failures",
    "Requests for a lookup that were not answered, or not as declared.",
    ["context", "lookup"],
)

OF_EVENTS = {"heard": HEARD, "failed": FAILED, "done": DONE}


def samples() -> Iterator[Sample]:
    """Samples of the contexts hosted here, zeros included."""
    hosted = get_settings().hosted
    subscriptions = subscription.hosted(hosted)
    declared = [f"{each.name} {each_type}" for each in subscriptions for each_type in each.types]
    for kind, metric in OF_EVENTS.items():
        for name, count in _counts(kind, declared).items():
            yield Sample(metric, name.split(" "), count)
    declared = [f"{each.lookup_reader} {each.lookup_of}" for each in reader.readers]
    took_us = _counts("lookups_us", declared)
    failed = _counts("lookups_failed", declared)
    for name, count in _counts("lookups", declared).items():
        seconds = took_us.get(name, 0) / 1_000_000
        yield Sample(LOOKUPS, name.split(" "), seconds, count)
        yield Sample(LOOKUPS_FAILED, name.split(" "), failed.get(name, 0))


def _counts(kind: str, declared: list[str]) -> dict[str, int]:
    """Counts of the contexts hosted here only, by name: Redis is often shared with others."""
    hosted = get_settings().hosted
    counts = {name: each.count for name, each in counters.read(kind).items()}
    names = sorted({*declared, *counts})
    return {name: counts.get(name, 0) for name in names if _context(name) in hosted}


def _context(name: str) -> str:
    """The context in "subscription type", or in "context lookup"."""
    return name.split(" ")[0].split(".")[0]
