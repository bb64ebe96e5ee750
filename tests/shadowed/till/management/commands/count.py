"""manage.py count: is each sale booked exactly once?"""

import json
from collections import Counter
from decimal import Decimal

from django.core.management.base import BaseCommand
from django.db.models import Count, Sum
from ledger.models import Account, Entry, Reservation

from carveout.models import Delivery, LoggedEvent
from till.models import Line, Sale


class Command(BaseCommand):
    """Prints what is not as it has to be, as JSON."""

    def handle(self, **options):
        self.stdout.write(json.dumps([*faults(), f"{Sale.objects.count()} sales"]))


def faults():
    lines = Counter(dict(Line.objects.values_list("sale__number").annotate(Count("id"))))
    entries = Counter(dict(Entry.objects.values_list("number").annotate(Count("id"))))
    yield from (f"{number}: not booked" for number in lines - entries)
    yield from (f"{number}: booked twice" for number in entries - lines)
    by_customer = Sale.objects.values_list("customer").annotate(Sum("total"), Count("id"))
    for customer, total, count in by_customer:
        account = Account.objects.filter(customer=customer).first()
        found = (account.balance, account.sales) if account else (Decimal(0), 0)
        if found != (total, count):
            yield f"{customer}: {found} instead of {(total, count)}"
    yield from (f"{each}: still reserved" for each in Reservation.objects.all())
    booked = LoggedEvent.objects.filter(type="ledger.Booked").values_list("key")
    booked = Counter(dict(booked.annotate(Count("id"))))
    if booked != lines:
        yield f"events: {booked - lines} too many, {lines - booked} missing"
    yield from (f"delivery: {each}" for each in Delivery.objects.all())
