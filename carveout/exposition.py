"""Exposition: the metrics as the text that Prometheus reads, and who may read it."""

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

from carveout import metrics
from carveout.conf import get_settings
from carveout.metrics.metric import Metric, Sample
from carveout.metrics.process import LeasesHeld
from carveout.pulse import Pulse

CONTENT_TYPE = CONTENT_TYPE_LATEST
KINDS: dict[str, Callable[..., Family]] = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
    "summary": SummaryMetricFamily,
}


class _Kit(Collector):
    """Looks everything up when it is scraped."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples = samples

    def collect(self) -> Iterator[Family]:
        families = {metric.name: _family(metric) for metric in metrics.ALL}
        for sample in self._samples:
            _add(families[sample.metric.name], sample)
        yield from families.values()


def text(pulse: Pulse | None = None, leases_held: LeasesHeld = tuple) -> bytes:
    """All metrics of this moment; with a pulse, those of a worker too."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Kit(list(metrics.samples(pulse, leases_held))))
    return generate_latest(registry)


def may_read(authorization: str) -> bool:
    """Does a request's header hold the token of the settings? Never, if there is none."""
    token = get_settings().metrics_token
    return bool(token) and hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode())


def _family(metric: Metric) -> Family:
    return KINDS[metric.kind](metric.name, metric.meaning, labels=metric.labels)


def _add(family: Family, sample: Sample) -> None:
    if isinstance(family, SummaryMetricFamily):
        family.add_metric(sample.labels, count_value=sample.times, sum_value=sample.value)
    elif isinstance(family, CounterMetricFamily | GaugeMetricFamily):
        family.add_metric(sample.labels, sample.value)
