"""Scenario 1: one order by REST, and what follows from it in every context."""

from email.message import EmailMessage

from tests import outcome
from tests.eventually import eventually

WANTED = {"CD-01": 2, "CD-07": 1}


def test_scenario_01_an_order_by_rest_leads_to_stock_mail_and_badge(system, smtp):
    system.start()
    maria = system.customer("maria")
    number = maria.order(WANTED)

    order = eventually(lambda: reserved(maria, number))
    assert {line["sku"]: line["quantity"] for line in order["lines"]} == WANTED
    mail = eventually(lambda: smtp.to(maria.email))[0]
    for text in parts(mail):
        assert number in text
        assert order["total"] in text
        assert all(line["name"] in text for line in order["lines"])
    eventually(lambda: badges(maria) == set(WANTED))
    eventually(lambda: outcome.settled(system, smtp))
    assert len(smtp.to(maria.email)) == 1
    # Whichever deployment is asked, all of them tell their part.
    told = system.of("reviews").manage("story", number)
    for line in (
        f"orders.OrderCreated {number}: published",
        f"shop.StockReserved {number}: published",
        "orders.follow_stock: handled",
        "reviews.mark_verified: handled",
        "notifications.tell_by_email: handled",
        "confirmation sent by e-mail: noted",
    ):
        assert line in told
    assert "did not answer" not in told


def reserved(customer, number):
    """The order as its customer sees it, once its stock is reserved."""
    order = customer.get("orders", f"/api/orders/{number}/")
    return order if order["status"] == "reserved" else None


def badges(customer) -> set[str]:
    """The products that a customer is verified for, as the REST of reviews tells."""
    rows = customer.get("reviews", "/api/verified-customers/")["results"]
    return {row["sku"] for row in rows}


def parts(mail: EmailMessage) -> list[str]:
    """The text and the HTML of an e-mail."""
    found = [mail.get_body((kind,)) for kind in ("plain", "html")]
    return [part.get_content() for part in found if part]
