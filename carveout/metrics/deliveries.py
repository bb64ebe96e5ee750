"""Deliveries of the databases here: how many wait, are queued, or are dead."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Min

from carveout import subscription
from carveout.conf import get_settings
from carveout.metrics.metric import ROWS_MAX, Metric, Sample, age_s, hurried
from carveout.models import Delivery

DELIVERIES = Metric(
    "gauge",
    "carveout_deliveries",
    f"Deliveries that are kept; all of a database in one state are counted up to {ROWS_MAX}.",
    ["subscription", "state"],
)
OLDEST = Metric(
    "gauge",
    "carveout_deliveries_oldest_seconds",
    "How long the oldest of them has been kept.",
    ["subscription", "state"],
)


def look(database: str) -> Iterator[Sample]:
    """By subscription and state, none included. Those of gone subscriptions are told too."""
    hosted = get_settings().hosted
    here = [context for context in hosted if get_settings().database_of(context) == database]
    declared = [each.name for each in subscription.hosted(here)]
    with hurried(database):
        for state in Delivery.State.values:
            kept = dict.fromkeys(declared, (0, None)) | _kept(database, state)
            for name, (count, oldest) in kept.items():
                yield Sample(DELIVERIES, [name, state], count)
                yield Sample(OLDEST, [name, state], age_s(oldest))


def _kept(database: str, state: str) -> dict[str, tuple[int, datetime | None]]:
    """How many of a state are kept, and the oldest since when. The index on state bounds it."""
    rows = Delivery.objects.using(database).filter(state=state)
    some = rows.filter(pk__in=rows.order_by("due_at").values("pk")[:ROWS_MAX])
    groups = some.values("subscription").annotate(count=Count("pk"), oldest=Min("parked_at"))
    return {group["subscription"]: (group["count"], group["oldest"]) for group in groups}
