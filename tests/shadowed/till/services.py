"""Selling."""

from decimal import Decimal

from django.db import transaction
from ledger import services as ledger
from ledger.models import Reservation

import carveout
from till.events import Sold
from till.models import Line, Sale


def sell(number: str, customer: str, amounts: list[Decimal]) -> None:
    """Store a sale, and have it booked."""
    with transaction.atomic():
        sale = Sale.objects.create(
            number=number,
            customer=customer,
            email=f"{customer}@example.org",
            total=sum(amounts, Decimal(0)),
        )
        lines = enumerate(amounts)
        Line.objects.bulk_create(
            Line(sale=sale, name=f"line {at}", amount=amount) for at, amount in lines
        )
        Reservation.objects.create(number=number)
        bought = [(line.name, line.amount) for line in sale.lines.all()]
        carveout.seam(
            "ledger.book",
            lambda: ledger.book(number, customer, sale.email, sale.total, bought),
            lambda: Sold(number=number),
        )
