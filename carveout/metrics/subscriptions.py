"""The subscriptions of the contexts hosted here: how far behind they are."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from carveout import cursor, lease, stream, subscription
from carveout.conf import get_settings
from carveout.event import Place
from carveout.metrics import logs
from carveout.metrics.metric import Metric, Sample, age_s, hurried

LAG = Metric(
    "gauge",
    "carveout_subscription_lag_events",
    "Events of a partition that a subscription has not passed.",
    ["subscription", "context", "partition"],
)
LAG_AGE = Metric(
    "gauge",
    "carveout_subscription_lag_seconds",
    "How long ago the oldest of them was published.",
    ["subscription", "context", "partition"],
)
CONSUMERS = Metric(
    "gauge", "carveout_consumers", "Consumers of a context that share its partitions.", ["context"]
)


def look(context: str) -> Iterator[Sample]:
    """The lag behind the logs that are hosted here, out of the database alone."""
    yield from _lags(context, elsewhere=False)


def look_at_streams(context: str) -> Iterator[Sample]:
    """The lag behind the logs that live elsewhere, out of their streams, and who consumes."""
    yield from _lags(context, elsewhere=True)
    if subscription.hosted([context]):
        yield Sample(CONSUMERS, [context], lease.members(context))


def _lags(context: str, *, elsewhere: bool) -> Iterator[Sample]:
    settings = get_settings()
    with hurried(settings.database_of(context)):
        for each in subscription.hosted([context]):
            for owner in sorted(each.sources):
                if settings.hosts(owner) is not elsewhere:
                    cursors = cursor.by_partition(each.name, owner, each.database)
                    yield from _behind(each.name, owner, cursors)


def _behind(name: str, owner: str, cursors: Mapping[int, int]) -> Iterator[Sample]:
    """Read after the cursors: meanwhile both move on, and no cursor is ahead."""
    stopped = logs.stopped_at(owner) if get_settings().hosts(owner) else {}
    for number, head in _ends(owner).items():
        position = cursors.get(number, 0)
        labels = [name, owner, str(number)]
        lag = max(head - position, 0)
        yield Sample(LAG, labels, lag)
        waiting = _time_after((owner, number), position) if lag else None
        yield Sample(LAG_AGE, labels, max(age_s(waiting), age_s(stopped.get(number))))


def _ends(owner: str) -> dict[int, int]:
    if get_settings().hosts(owner):
        return logs.heads(owner)
    partitions = range(get_settings().contexts[owner].partitions)
    return {number: stream.last_position((owner, number)) for number in partitions}


def _time_after(place: Place, position: int) -> datetime | None:
    """None if the stream of a log that lives elsewhere does not reach back to there."""
    if get_settings().hosts(place[0]):
        return logs.time_after(place, position)
    events = stream.read(place, position, 1).events
    return events[0].time if events else None
