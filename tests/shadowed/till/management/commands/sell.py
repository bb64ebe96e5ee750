"""manage.py sell COUNT SEED: what one web worker does, in threads, among others who interfere."""

import random
import threading
import time
from decimal import Decimal

from django.core.management.base import BaseCommand
from django.db import OperationalError, connection, transaction
from ledger.models import Account, Entry

from till.services import sell

THREADS = 2


class Command(BaseCommand):
    """Sells to random customers; now and then changes or removes rows of the ledger by hand."""

    def add_arguments(self, parser):
        parser.add_argument("count", type=int)
        parser.add_argument("seed", type=int)
        parser.add_argument("--customers", type=int, default=200)
        parser.add_argument("--pause", type=float, default=0.02, help="seconds, at most")
        parser.add_argument("--calm", action="store_true", help="nobody interferes")

    def handle(self, count, seed, customers, pause, calm, **options):
        share = 0.0 if calm else 0.05
        threads = [
            threading.Thread(
                target=run, args=[count // THREADS, seed * 10 + one, customers, pause, share]
            )
            for one in range(THREADS)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()


def run(count, seed, customers, pause, share):
    rng = random.Random(seed)
    for number in range(count):
        customer = f"c{rng.randrange(customers)}"
        amounts = [Decimal(rng.randrange(1, 10_000)) / 100 for _ in range(rng.randint(1, 4))]
        again(lambda: sell(f"{seed}-{number}", customer, amounts))  # noqa: B023 - runs at once
        if rng.random() < share:
            again(lambda: interfere(rng, customer))  # noqa: B023 - runs at once
        time.sleep(rng.uniform(0, pause))
    connection.close()


def interfere(rng, customer):
    """Somebody corrects the ledger by hand."""
    with transaction.atomic():
        account = Account.objects.select_for_update().filter(customer=customer).first()
        if account is None:
            return
        match rng.randrange(3):
            case 0:
                Account.objects.filter(pk=account.pk).update(balance=0)
            case 1:
                account.delete()
            case 2:
                Entry.objects.filter(account=account).update(name="corrected")


def again(do):
    while True:
        try:
            return do()
        except OperationalError as error:  # two customers of one account: as any shop would
            if "deadlock" not in str(error):
                raise
