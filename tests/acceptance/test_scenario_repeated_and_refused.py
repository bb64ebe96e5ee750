"""A request that is repeated, and a shop that can't be asked: what REST answers to orders."""

import pytest

from tests.eventually import eventually

WANTED = {"lines": [{"sku": "CD-01", "quantity": 1}]}
TABLES = ("orders_order", "orders_orderline", "carveout_loggedevent")


def place(customer, **headers):
    return customer.request("orders", "POST", "/api/orders/", json=WANTED, headers=headers)


def counts(system) -> list[int]:
    return [system.count("orders", table) for table in TABLES]


def test_scenario_of_a_repeated_request_that_gives_the_same_order(system):
    system.start(without=[process for process in system if process != system.web("orders")])
    anna = system.customer("anna")
    key = {"Idempotency-Key": "once is enough"}
    first, second = place(anna, **key), place(anna, **key)
    assert (first.status, second.status) == (201, 200)
    assert first.json()["number"] == second.json()["number"]
    assert counts(system) == [1, 1, 1]


@pytest.mark.parametrize("system", ["apart-sqlite"], indirect=True)
def test_scenario_of_a_shop_that_can_not_be_looked_up(system):
    shop, orders = system.web("shop"), system.web("orders")
    system.start(without=[process for process in system if process not in (shop, orders)])
    bert = system.customer("bert")
    shop.kill()
    refused = place(bert)
    assert refused.status == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert "try again" in refused.json()["detail"]
    assert counts(system) == [0, 0, 0]

    shop.start()
    system.of("shop").wait_until_ready()
    eventually(lambda: place(bert).status == 201)
