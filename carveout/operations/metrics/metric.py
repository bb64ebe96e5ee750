"""Defines metrics and samples, and the limits within which a scrape may read them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from django.db import connections, transaction

ROWS_MAX = 100_000
"""Rows are counted up to this number. More are reported as this many."""
QUERY_S = 2.0
"""How long one query may take on PostgreSQL."""


class Metric(NamedTuple):
    """A Prometheus metric and what it measures. A counter is shown with the suffix `_total`.

    Source: https://prometheus.io/docs/practices/naming/
    """

    kind: str
    name: str
    meaning: str
    labels: Sequence[str] = ()

    @property
    def shown(self) -> str:
        """The name that queries use; for a summary it takes `_count` and `_sum`."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


class Sample(NamedTuple):
    """One value of a metric; for a summary, its sum and its count."""

    metric: Metric
    labels: Sequence[str]
    value: float
    times: int = 0


@contextmanager
def statement_timeout(database: str) -> Iterator[None]:
    """Limits each query in the block to `QUERY_S`, where the database can do that.

    Raises: OperationalError: in the block; a query took too long.
    """
    connection = connections[database]
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic(using=database), connection.cursor() as cursor:
        limit_ms = str(round(QUERY_S * 1000))
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [limit_ms])
        yield
