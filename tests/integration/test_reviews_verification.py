"""Verified customers: marked by orders, unmarked by cancellations, in bulk."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reviews.lookups import Line, OrderToVerify
from reviews.models import Purchase, VerifiedCustomer
from reviews.subscribers import mark_verified

pytestmark = pytest.mark.django_db

PLACED_AT = datetime(2025, 3, 1, 12, tzinfo=UTC)


def delivery(kind, number, customer_id="7", skus=("CD-01", "CD-02")):
    order = OrderToVerify(
        number=number,
        customer_id=customer_id,
        placed_at=PLACED_AT,
        lines=[Line(sku=sku) for sku in skus],
    )
    return SimpleNamespace(type=f"orders.Order{kind}", key=number), order


def badges() -> set[tuple[str, str]]:
    return set(VerifiedCustomer.objects.values_list("customer_id", "sku"))


def test_an_order_verifies_its_customer_for_each_product():
    mark_verified([delivery("Created", "A-1")])
    assert badges() == {("7", "CD-01"), ("7", "CD-02")}
    assert set(Purchase.objects.values_list("order_number", "bought_at")) == {("A-1", PLACED_AT)}


def test_a_repeated_batch_adds_nothing_and_keeps_the_first_time():
    mark_verified([delivery("Created", "A-1")])
    first = dict(VerifiedCustomer.objects.values_list("pk", "verified_at"))
    mark_verified([delivery("Created", "A-1"), delivery("Created", "A-1")])
    assert dict(VerifiedCustomer.objects.values_list("pk", "verified_at")) == first
    assert Purchase.objects.count() == 2


def test_two_lines_of_one_product_are_one_purchase():
    mark_verified([delivery("Created", "A-1", skus=["CD-01", "CD-01"])])
    assert Purchase.objects.count() == 1


def test_a_cancellation_takes_the_badges_away():
    mark_verified([delivery("Created", "A-1")])
    mark_verified([delivery("Cancelled", "A-1")])
    assert badges() == set()
    assert not Purchase.objects.exists()


def test_cancelling_one_of_two_orders_keeps_the_badge_of_the_other():
    mark_verified([delivery("Created", "A-1"), delivery("Created", "A-2", skus=["CD-02"])])
    mark_verified([delivery("Cancelled", "A-1")])
    assert badges() == {("7", "CD-02")}


def test_a_cancellation_takes_nothing_from_other_customers():
    mark_verified([delivery("Created", "A-1"), delivery("Created", "A-2", customer_id="8")])
    mark_verified([delivery("Cancelled", "A-1")])
    assert badges() == {("8", "CD-01"), ("8", "CD-02")}


def test_created_and_cancelled_in_one_batch_leaves_no_badge():
    mark_verified([delivery("Created", "A-1"), delivery("Cancelled", "A-1")])
    assert badges() == set()


def test_an_order_cancelled_and_another_placed_in_one_batch_keeps_the_badge():
    mark_verified([delivery("Created", "A-1")])
    mark_verified([delivery("Cancelled", "A-1"), delivery("Created", "A-2")])
    assert badges() == {("7", "CD-01"), ("7", "CD-02")}
    assert set(Purchase.objects.values_list("order_number", flat=True)) == {"A-2"}


def test_an_order_whose_cancellation_overtook_it_proves_nothing():
    mark_verified([delivery("Cancelled", "A-1")])
    mark_verified([delivery("Created", "A-1"), delivery("Created", "A-2", skus=["CD-03"])])
    assert badges() == {("7", "CD-03")}


def queries_of(deliveries) -> int:
    with CaptureQueriesContext(connection) as queries:
        mark_verified(deliveries)
    return len(queries)


def many(kind, prefix, count):
    return [delivery(kind, f"{prefix}-{n}", f"{prefix}-{n}", skus=["CD-01"]) for n in range(count)]


@pytest.mark.parametrize("kind", ["Created", "Cancelled"])
def test_a_batch_of_a_hundred_makes_as_many_queries_as_one(kind):
    mark_verified(
        many("Created", "A", 1) + many("Created", "B", 100) if kind == "Cancelled" else []
    )
    assert queries_of(many(kind, "B", 100)) == queries_of(many(kind, "A", 1))
    assert len(badges()) == (101 if kind == "Created" else 0)
