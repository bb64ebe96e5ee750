"""Two customers buy the last one at once: both orders are taken, one is served."""

from threading import Barrier, Thread

from tests import outcome
from tests.eventually import eventually

LEAVE_ONE = (
    "from shop.catalogue.models import Product; Product.objects.filter(sku='CD-24').update(stock=1)"
)
LEFT = "SELECT stock FROM catalogue_product WHERE sku = %s"


def test_scenario_of_the_last_one_bought_by_two_at_once(system, smtp):
    system.of("shop").manage("shell", "--verbosity", "0", "-c", LEAVE_ONE)
    system.start()
    customers = [system.customer(name) for name in ("yara", "zeno")]
    number_of = order_at_once(customers)

    eventually(lambda: outcome.unfinished(system) == [] and decided(system) == 2)
    (served,), (refused,) = (outcome.orders(system, each) for each in ("reserved", "cancelled"))
    assert {served, refused} == set(number_of.values())
    assert system.rows("shop", LEFT, "CD-24") == [(0,)]

    loser = next(customer for customer in customers if number_of[customer] == refused)
    order = loser.get("orders", f"/api/orders/{refused}/")
    assert order["cancel_reason"] == "out of stock"
    eventually(lambda: len(smtp.messages) == 3)
    subjects = [mail["Subject"] for mail in smtp.to(loser.email)]
    assert subjects == [f"We have your order {refused}", f"Your order {refused} was cancelled"]
    assert outcome.told(smtp).count((served, "confirmation")) == 1
    eventually(lambda: outcome.verified(system) == set(outcome.bought(system)))


def order_at_once(customers) -> dict:
    """Each orders the last one in the same moment. Returns: the order's number by customer."""
    number_of, ready = {}, Barrier(len(customers))

    def order(customer) -> None:
        ready.wait()
        number_of[customer] = customer.order({"CD-24": 1})

    clients = [Thread(target=order, args=(customer,)) for customer in customers]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return number_of


def decided(system) -> int:
    return len(outcome.orders(system, "reserved") + outcome.orders(system, "cancelled"))
