"""Scenario 4: a context that comes late gets all that was before it, also what Redis forgot."""

from tests import outcome
from tests.eventually import eventually

ORDERS = 100
STREAM = "carveout:{orders.0}:stream"
CURSORS = "SELECT count(*) FROM carveout_cursor WHERE subscription LIKE %s"


def test_scenario_04_a_reviews_that_starts_late_verifies_all_earlier_orders(system, smtp, valkey):
    reviews = system.consumer("reviews")
    system.start(without=[reviews])
    system.import_orders(ORDERS)
    eventually(lambda: len(outcome.orders(system, "reserved")) == ORDERS)
    assert system.rows("reviews", CURSORS, "reviews.%") == [(0,)], "it was started before"
    assert outcome.verified(system) == set()
    assert valkey.client.xtrim(STREAM, maxlen=ORDERS // 10, approximate=False) > 0

    reviews.start()
    eventually(lambda: outcome.settled(system, smtp))


def test_scenario_04_no_line_of_orders_is_about_reviews(system):
    code = system.of("orders").folder / "orders"
    files = [path for path in code.rglob("*.py") if path.parent.name != "migrations"]
    assert len(files) > 10
    assert [path.name for path in files if "reviews" in path.read_text()] == []
