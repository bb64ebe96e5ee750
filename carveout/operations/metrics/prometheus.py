"""Writes the metrics as the text that Prometheus reads, and checks who may read it."""

import hmac
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.core import Metric as Family
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from carveout.conf import get_settings
from carveout.operations import metrics
from carveout.operations.metrics.metric import Metric, Sample
from carveout.operations.metrics.process import LeasesHeld
from carveout.telemetry.liveness import Liveness

CONTENT_TYPE = CONTENT_TYPE_LATEST
KINDS: dict[str, Callable[..., Family]] = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
    "summary": SummaryMetricFamily,
}


class _Kit(Collector):
    """Collects the metrics of the kit."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples = samples

    def collect(self) -> Iterator[Family]:
        families = {metric.name: _family(metric) for metric in metrics.ALL}
        for sample in self._samples:
            _add(families[sample.metric.name], sample)
        yield from families.values()


def text(liveness: Liveness | None = None, leases_held: LeasesHeld = tuple) -> bytes:
    """All metrics at this moment; with a worker's liveness, also those of the worker."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Kit(list(metrics.samples(liveness, leases_held))))
    return generate_latest(registry)


def may_read(authorization: str) -> bool:
    """Does a request's header hold the token of the settings? Never if none is set."""
    token = get_settings().metrics_token
    return bool(token) and hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode())


def _family(metric: Metric) -> Family:
    return KINDS[metric.kind](metric.name, metric.meaning, labels=metric.labels)


def _add(family: Family, sample: Sample) -> None:
    if isinstance(family, SummaryMetricFamily):
        family.add_metric(sample.labels, count_value=sample.times, sum_value=sample.value)
    elif isinstance(family, CounterMetricFamily | GaugeMetricFamily):
        family.add_metric(sample.labels, sample.value)
