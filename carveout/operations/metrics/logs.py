"""Metrics of the logs of contexts hosted here: what is published, and what not yet shipped."""

from collections.abc import Iterator
from datetime import datetime

from carveout.conf import get_settings
from carveout.eventlog import reader
from carveout.events.event import PartitionRef
from carveout.models import LoggedEvent, Partition
from carveout.operations.age import age_s
from carveout.operations.metrics.metric import ROWS_MAX, Metric, Sample, statement_timeout
from carveout.redis import streams

PUBLISHED = Metric(
    "counter",
    "carveout_events_published",
    "Published events that have a position.",
    ["context", "partition"],
)
UNSEQUENCED = Metric(
    "gauge",
    "carveout_events_unsequenced",
    f"Committed events without a position, counted up to {ROWS_MAX:,}.",
    ["context"],
)
UNSEQUENCED_AGE = Metric(
    "gauge",
    "carveout_events_unsequenced_oldest_seconds",
    "How long the oldest event without a position has waited.",
    ["context"],
)
SHIPPED = Metric(
    "counter",
    "carveout_events_shipped",
    "Events that were copied to Redis; starts again when Redis has lost the stream.",
    ["context", "partition"],
)
UNSHIPPED_AGE = Metric(
    "gauge",
    "carveout_events_unshipped_oldest_seconds",
    "How long ago the oldest event with a position that is not in its stream was published.",
    ["context", "partition"],
)
STOPPED = Metric(
    "gauge",
    "carveout_partition_stopped",
    "1 while a partition is stopped and needs `manage.py epoch`; else 0.",
    ["context", "partition"],
)


def samples(context: str) -> Iterator[Sample]:
    """Samples from the database."""
    database = get_settings().database_of(context)
    with statement_timeout(database):
        stopped = stopped_at(context)
        for number, head in heads(context).items():
            yield Sample(PUBLISHED, [context, str(number)], head)
            yield Sample(STOPPED, [context, str(number)], number in stopped)
        rows = LoggedEvent.objects.using(database).filter(context=context, position=None)
        times = rows.order_by("id").values_list("time", flat=True)
        oldest = times.first()
        yield Sample(UNSEQUENCED, [context], times[:ROWS_MAX].count() if oldest else 0)
        yield Sample(UNSEQUENCED_AGE, [context], age_s(oldest))


def stream_samples(context: str) -> Iterator[Sample]:
    """Samples from Redis."""
    with statement_timeout(get_settings().database_of(context)):
        stopped = stopped_at(context)
        for number in heads(context):
            ref = PartitionRef(context, number)
            last = streams.last_position(ref)
            age = max(age_s(reader.time_after(*ref, last)), age_s(stopped.get(number)))
            yield Sample(SHIPPED, [context, str(number)], last)
            yield Sample(UNSHIPPED_AGE, [context, str(number)], age)


def heads(context: str) -> dict[int, int]:
    """The last position of each partition of a log that is hosted here."""
    rows = Partition.objects.using(get_settings().database_of(context)).filter(context=context)
    return dict(rows.order_by("number").values_list("number", "head"))


def stopped_at(context: str) -> dict[int, datetime | None]:
    """Since when partitions of a log that is hosted here have been stopped.

    If a stream is not the log's, its end does not show what it lacks and who is behind.
    """
    return {each.number: each.stopped_at for each in reader.stopped([context])}
