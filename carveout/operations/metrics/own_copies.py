"""Metrics of own copies. How far they are behind their events, the subscriptions' metrics say."""

from collections.abc import Iterator

from carveout.conf import get_settings
from carveout.models import CopyState
from carveout.operations import own_copies
from carveout.operations.age import age_s
from carveout.operations.metrics.metric import Metric, Sample, statement_timeout

FILLED = Metric("gauge", "carveout_copy_filled", "1 if an own copy is filled, 0 if not.", ["copy"])
DIFFERENCES = Metric(
    "gauge",
    "carveout_copy_differences",
    "Rows that differed from the owner's when an own copy was verified, and are not repaired.",
    ["copy"],
)
VERIFIED_AGE = Metric(
    "gauge",
    "carveout_copy_verified_seconds",
    "How long ago an own copy was compared with its owner; absent if never.",
    ["copy"],
)


def samples(context: str) -> Iterator[Sample]:
    """What is stored of each own copy; no row of it is counted."""
    database = get_settings().database_of(context)
    with statement_timeout(database):
        stored = {row.model: row for row in CopyState.objects.using(database)}
    for model in own_copies.hosted([context]):
        name = model._meta.label
        state = stored.get(name) or CopyState(model=name)
        yield Sample(FILLED, [name], float(state.filled_at is not None))
        yield Sample(DIFFERENCES, [name], state.differences)
        if state.verified_at:
            yield Sample(VERIFIED_AGE, [name], age_s(state.verified_at))
