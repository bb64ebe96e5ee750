"""What a metric is, and the limits within which a scrape may look for its values."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from django.db import connections, transaction
from django.utils import timezone

ROWS_MAX = 100_000
"""Rows are counted up to this number. More is told as this many."""
QUERY_S = 2.0
"""How long one query may take on PostgreSQL."""


class Metric(NamedTuple):
    """A name of Prometheus, with what it measures. A counter is shown with `_total` behind it.

    Source: https://prometheus.io/docs/practices/naming/
    """

    kind: str
    name: str
    meaning: str
    labels: Sequence[str] = ()

    @property
    def shown(self) -> str:
        """The name that queries use; a summary has it with `_count` and `_sum`."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


class Sample(NamedTuple):
    """One value of a metric; of a summary, how often and how much in all."""

    metric: Metric
    labels: Sequence[str]
    value: float
    times: int = 0


def age_s(moment: datetime | None) -> float:
    """How many seconds ago that was; 0 if it never was."""
    return max((timezone.now() - moment).total_seconds(), 0.0) if moment else 0.0


@contextmanager
def hurried(database: str) -> Iterator[None]:
    """Inside the block a query that takes too long fails, where the database can do that.

    Raises: OperationalError: in the block; one took too long.
    """
    connection = connections[database]
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic(using=database), connection.cursor() as cursor:
        limit_ms = str(round(QUERY_S * 1000))
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [limit_ms])
        yield
