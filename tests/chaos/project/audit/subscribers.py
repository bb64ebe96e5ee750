"""Three ears: one event at a time, in batches, and in jobs. Two of them fail now and then."""

import random
import time

from django.conf import settings

import carveout
from audit.models import Effect, effect

EVERYTHING = ("ledger.EntryMade", "ledger.AccountClosed")


def fail_now_and_then() -> None:
    if random.random() < settings.FAIL_SHARE:
        raise ValueError("now and then")


@carveout.subscribe(*EVERYTHING, ordered=True, max_attempts=1000)
def one(event):
    effect("one", event).save()
    fail_now_and_then()


@carveout.subscribe(*EVERYTHING, batch=True)
def batch(events):
    Effect.objects.bulk_create([effect("batch", event) for event in events])
    time.sleep(settings.BATCH_S)


@carveout.subscribe("ledger.AccountClosed", via="rq", ordered=True, max_attempts=1000)
def job(event):
    effect("job", event).save()
    time.sleep(settings.JOB_S)
    fail_now_and_then()
