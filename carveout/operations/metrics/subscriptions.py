"""Metrics of the subscriptions of the contexts hosted here: how far behind they are."""

from collections.abc import Iterator

from carveout.conf import get_settings
from carveout.consumers import leases
from carveout.operations.age import age_s
from carveout.operations.metrics.metric import Metric, Sample, statement_timeout
from carveout.subscriptions import status, subscription

LAG = Metric(
    "gauge",
    "carveout_subscription_lag_events",
    "Events of a partition that a subscription has not passed.",
    ["subscription", "context", "partition"],
)
LAG_AGE = Metric(
    "gauge",
    "carveout_subscription_lag_seconds",
    "How long ago the oldest event that a subscription has not passed was published.",
    ["subscription", "context", "partition"],
)
CONSUMERS = Metric(
    "gauge", "carveout_consumers", "Consumers of a context that share its partitions.", ["context"]
)


def samples(context: str) -> Iterator[Sample]:
    """The lag behind the logs that are hosted here, from the database alone."""
    yield from _lags(context, elsewhere=False)


def stream_samples(context: str) -> Iterator[Sample]:
    """The lag behind logs that live elsewhere, from their streams, and the consumers."""
    yield from _lags(context, elsewhere=True)
    if subscription.hosted([context]):
        yield Sample(CONSUMERS, [context], leases.members(context))


def _lags(context: str, *, elsewhere: bool) -> Iterator[Sample]:
    """Nothing is said of a partition whose end is not known."""
    settings = get_settings()
    owners = {owner for each in subscription.hosted([context]) for owner in each.source_contexts}
    chosen = {owner for owner in owners if settings.hosts(owner) is not elsewhere}
    with statement_timeout(settings.database_of(context)):
        for each in status.statuses([context], chosen, count_deliveries=False):
            for partition in each.partitions:
                if partition.lag is None:
                    continue
                labels = [each.subscription.name, partition.ref.context, str(partition.ref.number)]
                yield Sample(LAG, labels, partition.lag)
                yield Sample(LAG_AGE, labels, age_s(partition.behind_since))
