"""What has to have happened after orders were placed: everything, once, in every context."""

from collections import Counter
from email.message import EmailMessage
from functools import cache

from tests.servers import SmtpForTests
from tests.systems import System

CONFIRMATION, CANCELLATION = "confirmation", "cancellation"
STARTING_STOCK = 20_000


def settled(system: System, smtp: SmtpForTests) -> bool:
    """All that the orders of a system lead to is there, and nothing of it twice.

    Raises: AssertionError: not (yet).
    """
    assert unfinished(system) == []
    open_orders, cancelled = orders(system, "reserved"), orders(system, "cancelled")
    assert set(orders(system)) == set(open_orders + cancelled), "not every order is decided"
    assert set(announced(system, "shop.StockReserved").values()) <= {1}
    assert missing_from_stock(system) == pieces_bought(system)
    assert verified(system) == set(bought(system))
    assert mails(smtp, CONFIRMATION) == Counter(orders(system))
    assert mails(smtp, CANCELLATION) == Counter(cancelled)
    return True


def orders(system: System, status: str = "%") -> list[str]:
    """The numbers of the orders that are stored."""
    found = system.rows("orders", "SELECT number FROM orders_order WHERE status LIKE %s", status)
    return [number for (number,) in found]


def bought(system: System) -> Counter[tuple[str, str]]:
    """How much of each product each customer has ordered and not cancelled."""
    found = system.rows(
        "orders",
        "SELECT customer_id, sku, quantity FROM orders_orderline"
        " JOIN orders_order ON orders_order.id = order_id WHERE status <> %s",
        "cancelled",
    )
    pieces: Counter[tuple[str, str]] = Counter()
    for customer, sku, quantity in found:
        pieces[customer, sku] += quantity
    return pieces


def pieces_bought(system: System) -> Counter[str]:
    pieces: Counter[str] = Counter()
    for (_, sku), quantity in bought(system).items():
        pieces[sku] += quantity
    return pieces


def missing_from_stock(system: System) -> Counter[str]:
    """By how much each product's stock is below what the shop started with."""
    found = system.rows("shop", "SELECT sku, stock FROM catalogue_product")
    return Counter({sku: STARTING_STOCK - stock for sku, stock in found})


def verified(system: System) -> set[tuple[str, str]]:
    """The customers that have a badge, and the product that it is for."""
    return set(system.rows("reviews", "SELECT customer_id, sku FROM reviews_verifiedcustomer"))


def announced(system: System, event_type: str) -> Counter[str]:
    """How often a type of event is in the log, by key."""
    statement = "SELECT key FROM carveout_loggedevent WHERE type = %s"
    found = system.rows(event_type.split(".")[0], statement, event_type)
    return Counter(key for (key,) in found)


def unfinished(system: System) -> list[tuple[str, str]]:
    """The deliveries that wait anywhere, by subscription and key."""
    statement = "SELECT subscription, key FROM carveout_delivery"
    return [row for each in system.deployments for row in each.rows(statement)]


def mails(smtp: SmtpForTests, kind: str) -> Counter[str]:
    """How many e-mails of a kind the mail server took, by order."""
    return Counter(number for number, each in told(smtp) if each == kind)


def told(smtp: SmtpForTests) -> list[tuple[str, str]]:
    """Order and kind of each e-mail, in order of arrival."""
    return [_about(message) for message in list(smtp.messages)]


@cache  # parsing headers is slow, and we look again and again
def _about(message: EmailMessage) -> tuple[str, str]:
    number, kind = message["Message-ID"].strip("<>").split("@")[0].split(".")
    return number, kind
