"""Books sales by event. The environment may plant a fault."""

import os
from decimal import Decimal

import carveout
from ledger import services
from ledger.lookups import SaleToBook
from ledger.models import Account, Entry, Reservation

FAULT = os.environ.get("FAULT", "")
ONE_IN = 10
_first_total: list[Decimal] = []


@carveout.subscribe("till.Sold", seam="ledger.book")
def book(sale: SaleToBook) -> None:
    """Book what was sold."""
    lines = [(line.name, line.amount) for line in sale.lines]
    total, email, number = sale.total, sale.email, sale.number
    wrong = FAULT if int(number.rpartition("-")[2]) % ONE_IN == 0 else ""
    if wrong == "event lost":
        return
    if wrong == "wrong field":
        email = f"{number}@example.org"
    if wrong == "wrong amount":
        total += Decimal("0.01")
    if FAULT == "stale lookup":
        _first_total.append(total)
        total = _first_total[0]
    how = {"backwards": wrong == "reordered", "labelled": wrong != "missing job"}
    services.book(number, sale.customer, email, total, lines, **how)
    _afterwards(wrong, sale)


def _afterwards(wrong: str, sale: SaleToBook) -> None:
    entries = Entry.objects.filter(number=sale.number)
    account = Account.objects.filter(customer=sale.customer)
    if wrong == "doubled":
        entries.update(number=f"{sale.number} too")
        lines = [(line.name, line.amount) for line in sale.lines]
        services.book(sale.number, sale.customer, sale.email, sale.total, lines)
    elif wrong == "missing row":
        entries.filter(place=0).delete()
    elif wrong == "extra row":
        Entry.objects.create(
            account=account.get(), number=sale.number, place=99, name="more", amount=0
        )
    elif wrong == "wrong update":
        account.update(sales=0)
    elif wrong == "missing delete":
        Reservation.objects.create(number=sale.number)
    elif wrong == "extra mail":
        services.mail(sale.number, sale.email, sale.total)
