"""Scenario 3: one context stands still; it catches up, and no other context notices."""

from tests import outcome
from tests.eventually import eventually

ORDERS = 100


def test_scenario_03_a_stopped_notifications_catches_up_and_delays_nobody(system, smtp):
    system.start()
    notifications = system.consumer("notifications")
    assert notifications.terminate() == 0
    known, told = set(outcome.orders(system)), outcome.told(smtp)
    system.import_orders(ORDERS)
    new = set(outcome.orders(system)) - known
    assert len(new) == ORDERS

    eventually(lambda: outcome.verified(system) == set(outcome.bought(system)))
    eventually(lambda: new <= set(outcome.orders(system, "reserved")))
    assert outcome.told(smtp) == told

    notifications.start()
    eventually(lambda: outcome.settled(system, smtp))
