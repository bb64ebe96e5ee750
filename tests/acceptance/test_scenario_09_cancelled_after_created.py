"""Scenario 9: events of one order are handled in their order, in jobs too."""

from tests import outcome
from tests.eventually import eventually

ORDERS = 20


def test_scenario_09_a_cancelled_order_takes_its_badge_along(system, smtp):
    system.start()
    vera = system.customer("vera")
    kept, given_up = vera.order({"CD-16": 1}), vera.order({"CD-16": 1, "CD-17": 1})
    eventually(lambda: {sku for who, sku in badges_of(system, kept)} == {"CD-16", "CD-17"})

    vera.cancel(given_up)
    eventually(lambda: {sku for who, sku in badges_of(system, kept)} == {"CD-16"})
    eventually(lambda: outcome.settled(system, smtp))


def badges_of(system, number: str) -> set[tuple[str, str]]:
    """The badges of an order's customer."""
    statement = "SELECT customer_id FROM orders_order WHERE number = %s"
    ((customer,),) = system.rows("orders", statement, number)
    return {badge for badge in outcome.verified(system) if badge[0] == customer}


def test_scenario_09_no_cancellation_overtakes_its_order_though_both_are_jobs(system, smtp):
    system.start()
    second_worker = system.of("notifications").process("work-2", "work", "notifications")
    wim = system.customer("wim")
    smtp.behaviour = "refuse"
    numbers = [wim.order({"CD-18": 1}) for _ in range(ORDERS)]
    for number in numbers:
        wim.cancel(number)
    smtp.behaviour = "accept"

    second_worker.start()
    try:
        eventually(lambda: outcome.settled(system, smtp))
    finally:
        second_worker.end()
    assert set(outcome.orders(system, "cancelled")) >= set(numbers)
    for number in numbers:
        kinds = [kind for about, kind in outcome.told(smtp) if about == number]
        assert kinds == ["confirmation", "cancellation"]
