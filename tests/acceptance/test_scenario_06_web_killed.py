"""Scenario 6: an event is stored with its change, or not at all, whatever happens around it."""

import signal
from contextlib import suppress
from threading import Thread

import urllib3

from tests import outcome
from tests.eventually import eventually

ROUNDS = 3
PARTITION = """
import os, signal
from functools import partial
from django.db import transaction
import carveout
from orders.lines import WantedLine
from orders.lookups import ProductToBuy
from orders.services import place_order

def place():
    place_order("kim", "kim@example.com", [WantedLine("CD-06", 1)], products=products)

products = carveout.look_up_many(ProductToBuy, ["CD-06"])
die = partial(os.kill, os.getpid(), signal.SIGKILL)
"""
DIE_RIGHT_AFTER_COMMIT = """
with transaction.atomic():
    transaction.on_commit(die)  # before publish asks for anything on commit
    place()
"""
DIE_BEFORE_COMMIT = """
with transaction.atomic():
    place()
    die()
"""
ROLL_BACK = """
try:
    with transaction.atomic():
        place()
        raise RuntimeError("something else failed")
except RuntimeError as error:
    print(error)
"""


def test_scenario_06_the_events_of_a_web_killed_right_after_commit_flow(system, smtp):
    system.start()
    rosa = system.customer("rosa")
    before = len(outcome.orders(system))
    for _ in range(ROUNDS):
        place_and_kill_web(system, rosa)
    assert len(outcome.orders(system)) >= before + ROUNDS
    eventually(lambda: outcome.settled(system, smtp))


def place_and_kill_web(system, customer) -> None:
    """Kill the web as soon as others see the order that it stores."""
    before = len(outcome.orders(system))
    client = Thread(target=place, args=(customer,))
    client.start()
    while len(outcome.orders(system)) == before:
        pass
    system.web("orders").kill()
    client.join()
    system.start()


def place(customer) -> None:
    with suppress(urllib3.exceptions.HTTPError, ValueError):  # no answer, or its beginning
        customer.order({"CD-05": 1})


def test_scenario_06_what_is_committed_flows_and_what_is_not_leaves_no_trace(system, smtp):
    system.start()
    before, told = set(outcome.orders(system)), outcome.told(smtp)
    assert shell(system, DIE_BEFORE_COMMIT) == -signal.SIGKILL
    assert shell(system, ROLL_BACK) == 0
    assert set(outcome.orders(system)) == before
    assert set(outcome.announced(system, "orders.OrderCreated")) == before

    assert shell(system, DIE_RIGHT_AFTER_COMMIT) == -signal.SIGKILL
    (number,) = set(outcome.orders(system)) - before
    eventually(lambda: outcome.settled(system, smtp))
    assert outcome.told(smtp) == [*told, (number, "confirmation")]


def shell(system, code: str) -> int:
    """Run code beside the web, as a process of orders. Returns: how it ended."""
    process = system.of("orders").process(
        "shell", "shell", "--verbosity", "0", "-c", PARTITION + code
    )
    process.start()
    return process.wait()
