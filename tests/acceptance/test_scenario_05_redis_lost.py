"""Scenario 5: Redis goes away and comes back empty; nobody loses or doubles anything."""

from tests import outcome
from tests.eventually import eventually

MAIL = "SELECT 1 FROM notifications_notification WHERE order_number = %s AND status = %s"


def test_scenario_05_redis_dies_and_comes_back_empty_and_everything_flows_once(
    system, smtp, valkey
):
    system.start()
    ida = system.customer("ida")
    smtp.behaviour, smtp.delay_s = "slow", 0.5
    before = ida.order({"CD-03": 1})
    eventually(lambda: system.rows("notifications", MAIL, before, "sending"))

    valkey.client.set("from before", 1)
    valkey.kill()
    smtp.behaviour = "accept"
    eventually(lambda: system.rows("notifications", MAIL, before, "sent"))
    during = [ida.order({"CD-04": quantity}) for quantity in (1, 2, 3)]
    assert set(during) <= set(outcome.orders(system, "placed"))

    valkey.restart_empty()
    assert not valkey.client.exists("from before"), "it is empty but for what came since"
    eventually(lambda: outcome.settled(system, smtp))
    assert {before, *during} <= set(outcome.orders(system, "reserved"))
