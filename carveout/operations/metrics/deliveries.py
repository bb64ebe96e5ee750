"""Metrics of the deliveries in the databases here: how many wait, are queued, or are dead."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Min

from carveout.conf import get_settings
from carveout.models import Delivery
from carveout.operations.age import age_s
from carveout.operations.metrics.metric import ROWS_MAX, Metric, Sample, statement_timeout
from carveout.subscriptions import subscription

DELIVERIES = Metric(
    "gauge",
    "carveout_deliveries",
    f"Parked deliveries; those of a database in one state are counted up to {ROWS_MAX:,}.",
    ["subscription", "state"],
)
OLDEST = Metric(
    "gauge",
    "carveout_deliveries_oldest_seconds",
    "How long the oldest of these deliveries has been parked.",
    ["subscription", "state"],
)


def samples(database: str) -> Iterator[Sample]:
    """By subscription and state, zeros and undeclared subscriptions included."""
    hosted = get_settings().hosted
    here = [context for context in hosted if get_settings().database_of(context) == database]
    declared = [each.name for each in subscription.hosted(here)]
    with statement_timeout(database):
        for state in Delivery.State.values:
            kept = dict.fromkeys(declared, (0, None)) | _kept(database, state)
            for name, (count, oldest) in kept.items():
                yield Sample(DELIVERIES, [name, state], count)
                yield Sample(OLDEST, [name, state], age_s(oldest))


def _kept(database: str, state: str) -> dict[str, tuple[int, datetime | None]]:
    """How many are in a state, and since when the oldest. The index on state bounds it."""
    rows = Delivery.objects.using(database).filter(state=state)
    some = rows.filter(pk__in=rows.order_by("due_at").values("pk")[:ROWS_MAX])
    groups = some.values("subscription").annotate(count=Count("pk"), oldest=Min("parked_at"))
    return {group["subscription"]: (group["count"], group["oldest"]) for group in groups}
