"""Making entries, in transactions of all lengths and ends."""

import random
import time
from itertools import islice

from django.conf import settings
from django.db import transaction
from django.db.models import F

import carveout
from ledger.events import AccountClosed, EntryMade
from ledger.models import Account, Entry

if "copies" in settings.KINDS:
    from cards.services import change_one, open_slots

ROLLBACK_SHARE = 0.1
PAUSE_SHARE = 0.05
PAUSE_MAX_S = 0.02
ENTRIES_MAX = 8


class ChangedMind(Exception):
    """A transaction that is rolled back although all went well."""


def open_accounts() -> None:
    Account.objects.bulk_create(
        [Account(key=f"A-{number}") for number in range(settings.ACCOUNTS)], ignore_conflicts=True
    )
    if "copies" in settings.KINDS:
        open_slots()


def write(count: int) -> int:
    """Make some entries in one transaction, or change one's mind. Returns: how many were made."""
    # Always in the same order, so that two writers don't wait for each other.
    keys = sorted(f"A-{number}" for number in islice(iter(_any_account, None), count))
    try:
        with transaction.atomic():
            for key in keys:
                _make_entry(key)
            if "copies" in settings.KINDS:
                change_one()
            if random.random() < PAUSE_SHARE:
                time.sleep(random.uniform(0, PAUSE_MAX_S))
            _think_again()
    except ChangedMind:
        return 0
    return count


def _think_again() -> None:
    if random.random() < ROLLBACK_SHARE:
        raise ChangedMind


def _any_account() -> int:
    return random.randrange(settings.ACCOUNTS)


def _make_entry(key: str) -> None:
    Account.objects.filter(key=key).update(entries=F("entries") + 1)  # locks it until the commit
    number = Account.objects.values_list("entries", flat=True).get(key=key)
    closing = random.random() < settings.CLOSING_SHARE
    announced = AccountClosed if closing else EntryMade
    event_id = carveout.publish(announced(account=key, number=number))
    Entry.objects.create(key=key, number=number, closing=closing, event_id=event_id)
