"""Scenario 2: a dead mail server never touches an order."""

from tests import outcome
from tests.eventually import eventually

TRIES = "SELECT max(attempts) FROM carveout_delivery WHERE subscription = %s"


def test_scenario_02_a_dead_mail_server_delays_the_mail_and_nothing_else(system, smtp):
    system.start()
    otto = system.customer("otto")
    smtp.stop()
    number = otto.order({"CD-02": 1})
    eventually(lambda: number in outcome.orders(system, "reserved"))
    eventually(lambda: system.rows("notifications", TRIES, "notifications.tell_by_email")[0][0])
    assert smtp.to(otto.email) == []

    smtp.start()
    eventually(lambda: outcome.settled(system, smtp))
    assert len(smtp.to(otto.email)) == 1
