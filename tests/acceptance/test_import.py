"""`manage.py import_orders`: the real purchases, compared with a count of their own."""

import time
from collections import Counter
from itertools import islice

import pytest

from tests import outcome
from tests.eventually import eventually
from tests.systems import SAMPLE

PART = 100
WHOLE = 6_919
PATIENCE_S = 3_000.0


def test_a_part_of_the_sample_leads_to_as_much_as_an_independent_count_says(system, smtp):
    imported(system, smtp, PART)


@pytest.mark.slow
@pytest.mark.timeout(2 * PATIENCE_S)
def test_the_whole_sample_leads_to_as_much_as_an_independent_count_says(system, smtp):
    imported(system, smtp, WHOLE)


def imported(system, smtp, rows: int) -> None:
    system.start()
    started_at = time.monotonic()
    expected_badges = counted(system.of("orders").folder / SAMPLE, rows)
    assert f"{rows} orders imported, 0 imported before, 0 bad" in system.import_orders(rows)
    eventually(lambda: len(smtp.messages) >= rows, PATIENCE_S)
    eventually(lambda: outcome.settled(system, smtp), PATIENCE_S)
    seconds = time.monotonic() - started_at

    badges = outcome.verified(system)
    assert badges == expected_badges
    assert len(outcome.orders(system)) == len(smtp.messages) == rows
    print(f"{rows} orders, {len(badges)} verified customers, {seconds:.0f} s")  # noqa: T201

    again = system.of("orders").manage("import_orders", SAMPLE, "--limit", str(rows))
    assert f"0 orders imported, {rows} imported before" in again
    assert len(outcome.orders(system)) == rows
    assert outcome.announced(system, "orders.OrderCreated") == Counter(outcome.orders(system))


def counted(sample, rows: int) -> set[tuple[str, str]]:
    """The badges that the purchases of a file lead to, by the rule in its README."""
    badges = set()
    with sample.open() as lines:
        for line in islice(lines, rows):
            customer, _, date, cds, _ = line.split()
            for n in range(int(cds)):
                product = (int(customer) + int(date) + 7 * n) % 24 + 1
                badges.add((f"cdnow-{customer}", f"CD-{product:02}"))
    return badges
