"""Scenario 8: the publisher switches to events that carry their order; no subscriber changes."""

import time
from typing import NamedTuple

from carveout.telemetry.counters import FLUSH_EVERY_S
from tests import copies, outcome
from tests.eventually import eventually

THIN = 'class OrderCreated(carveout.Event, key="order_number"):'
CARRYING = 'class OrderCreated(carveout.Event, key="order_number", carries="orders.order"):'
LOOKUPS = "carveout:tally:lookups"
WANTED = [{"CD-12": 1, "CD-13": 2}, {"CD-14": 3}, {"CD-15": 1}]


class Result(NamedTuple):
    """What came of the orders: e-mails as (recipient, text), and how often orders were asked."""

    mails: list[tuple[str, str]]
    lookups: int


def test_scenario_08_events_that_carry_their_order_spare_every_lookup(
    system, smtp, valkey, tmp_path
):
    project = copies.whole(tmp_path / "project")
    with system.code_from(project):
        switch(project, THIN, CARRYING)
        system.start()
        tina = system.customer("tina")
        carried = result_of_orders(tina, system, smtp, valkey)

        switch(project, CARRYING, THIN)
        system.web("orders").kill()  # only the publisher has to know
        system.start()
        thin = result_of_orders(tina, system, smtp, valkey)
    assert len(carried.mails) == len(WANTED)
    assert carried.mails == thin.mails
    assert carried.lookups == 0
    assert thin.lookups >= 3, "three contexts ask"


def switch(project, old: str, new: str) -> None:
    events = project / "orders" / "events.py"
    code = events.read_text()
    assert code.count(old) == 1
    events.write_text(code.replace(old, new))


def result_of_orders(customer, system, smtp, valkey) -> Result:
    valkey.client.delete(LOOKUPS)
    known = len(smtp.messages)
    numbers = [customer.order(wanted) for wanted in WANTED]
    eventually(lambda: outcome.settled(system, smtp))
    time.sleep(2 * FLUSH_EVERY_S)  # none may come after this, so there is nothing to wait for
    mails = [(str(mail["To"]), text_of(mail, numbers)) for mail in smtp.messages[known:]]
    counts = valkey.client.hgetall(LOOKUPS)
    asked = [int(count) for name, count in counts.items() if name.endswith(" orders.order")]
    return Result(sorted(mails), sum(asked))


def text_of(mail, numbers: list[str]) -> str:
    """The text without the order's number, which differs each time."""
    text = mail.get_body(("plain",)).get_content()
    for number in numbers:
        text = text.replace(number, "NUMBER")
    return text
