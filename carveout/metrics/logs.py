"""The logs of the contexts hosted here: what was published, and what is not yet shipped."""

from collections.abc import Iterator
from datetime import datetime

from carveout import log, stream
from carveout.conf import get_settings
from carveout.event import Place
from carveout.metrics.metric import ROWS_MAX, Metric, Sample, age_s, hurried
from carveout.models import LoggedEvent, Partition

PUBLISHED = Metric(
    "counter",
    "carveout_events_published",
    "Events that have their position.",
    ["context", "partition"],
)
UNSEQUENCED = Metric(
    "gauge",
    "carveout_events_unsequenced",
    f"Committed events without a position, counted up to {ROWS_MAX}.",
    ["context"],
)
UNSEQUENCED_AGE = Metric(
    "gauge",
    "carveout_events_unsequenced_oldest_seconds",
    "How long the oldest of them has waited.",
    ["context"],
)
SHIPPED = Metric(
    "counter",
    "carveout_events_shipped",
    "Events that were copied to Redis; begins anew when Redis lost the stream.",
    ["context", "partition"],
)
UNSHIPPED_AGE = Metric(
    "gauge",
    "carveout_events_unshipped_oldest_seconds",
    "How long ago the oldest event was published that has a position and is not in its stream.",
    ["context", "partition"],
)
STOPPED = Metric(
    "gauge",
    "carveout_partition_stopped",
    "1 while nothing of a partition flows until a person runs `manage.py epoch`; else 0.",
    ["context", "partition"],
)


def look(context: str) -> Iterator[Sample]:
    """What the database tells."""
    database = get_settings().database_of(context)
    with hurried(database):
        stopped = stopped_at(context)
        for number, head in heads(context).items():
            yield Sample(PUBLISHED, [context, str(number)], head)
            yield Sample(STOPPED, [context, str(number)], number in stopped)
        rows = LoggedEvent.objects.using(database).filter(context=context, position=None)
        times = rows.order_by("id").values_list("time", flat=True)
        oldest = times.first()
        yield Sample(UNSEQUENCED, [context], times[:ROWS_MAX].count() if oldest else 0)
        yield Sample(UNSEQUENCED_AGE, [context], age_s(oldest))


def look_at_streams(context: str) -> Iterator[Sample]:
    """What Redis has of them."""
    with hurried(get_settings().database_of(context)):
        stopped = stopped_at(context)
        for number in heads(context):
            place = (context, number)
            last = stream.last_position(place)
            age = max(age_s(time_after(place, last)), age_s(stopped.get(number)))
            yield Sample(SHIPPED, [context, str(number)], last)
            yield Sample(UNSHIPPED_AGE, [context, str(number)], age)


def heads(context: str) -> dict[int, int]:
    """The last position of each partition of a log that is hosted here."""
    rows = Partition.objects.using(get_settings().database_of(context)).filter(context=context)
    return dict(rows.order_by("number").values_list("number", "head"))


def stopped_at(context: str) -> dict[int, datetime | None]:
    """Since when partitions have stopped, of a log that is hosted here.

    Where a stream is not the log's, what it lacks and who is behind can't be told from its end.
    """
    return {each.number: each.stopped_at for each in log.stopped([context])}


def time_after(place: Place, position: int) -> datetime | None:
    """When the first event after a position was published; None if there is none."""
    after = log.rows_of(*place).filter(position__gt=position).order_by("position")
    return after.values_list("time", flat=True).first()
