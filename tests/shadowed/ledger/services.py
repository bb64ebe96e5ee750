"""Booking."""

from collections.abc import Sequence
from decimal import Decimal

import django_rq
from django.core.mail import send_mail
from django.db import connection, transaction
from django.db.models import F

import carveout
from ledger.events import Booked
from ledger.models import Account, Entry, Reservation

Lines = Sequence[tuple[str, Decimal]]


def book(
    number: str,
    customer: str,
    email: str,
    total: Decimal,
    lines: Lines,
    *,
    backwards: bool = False,
    labelled: bool = True,
) -> None:
    """Book a sale: rows in every way that a table can be written, a mail, a job and events."""
    account, _ = Account.objects.get_or_create(customer=customer)
    Account.objects.filter(pk=account.pk).update(balance=F("balance") + total)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_account SET sales = sales + 1 WHERE id = %s", [account.pk])
    Entry.objects.bulk_create(
        Entry(account=account, number=number, place=place, name=name, amount=amount)
        for place, (name, amount) in enumerate(lines)
    )
    Reservation.objects.filter(number=number).delete()
    events = [
        Booked(number=number, place=place, amount=str(amount))
        for place, (_, amount) in enumerate(lines)
    ]
    carveout.publish_many(events[::-1] if backwards else events)
    mail(number, email, total)
    if labelled:
        transaction.on_commit(lambda: label(number, account.pk))


def mail(number: str, email: str, total: Decimal) -> None:
    send_mail(f"Sale {number}", f"{total:.2f} in all", "till@example.org", [email])


def label(number: str, account: int) -> None:
    django_rq.get_queue("labels").enqueue("ledger.services.print_label", number, account)


def print_label(number: str, account: int) -> None:
    """Nothing runs it."""
