"""Three ears: one event at a time, in batches, and in jobs. Two of them fail now and then.

If the environment asks for it, there are more: one that some events always kill, and two that
differ between releases.
"""

import random
import time
from typing import Any

from django.conf import settings
from misbehaviour import misbehave

import carveout
from audit.models import Effect, effect

EVERYTHING = ("ledger.EntryMade", "ledger.AccountClosed")
LIMIT_S = 0.5 if "handlers" in settings.KINDS else 30.0
WIDE_LIMIT_S = 2.0
"""What a consumer was doing when it was killed is free again 15 s later."""
PATIENT = {"max_attempts": 1000, "time_limit_s": LIMIT_S}


def fail_now_and_then() -> None:
    if random.random() < settings.FAIL_SHARE:
        raise ValueError("now and then")


def leave(subscription: str, event: carveout.ReceivedEvent) -> Any:
    """An effect, and then whatever the handler's fate is. Returns: what the handler returns."""
    effect(subscription, event).save()
    return misbehave(subscription, event)


@carveout.subscribe(*EVERYTHING, **PATIENT, ordered=True)
def one(event):
    result = leave("one", event)
    time.sleep(settings.EACH_S)
    fail_now_and_then()
    return result


@carveout.subscribe(*EVERYTHING, **PATIENT, batch=True)
def batch(events):
    Effect.objects.bulk_create([effect("batch", event) for event in events])
    time.sleep(settings.BATCH_S)
    results = [misbehave("batch", event) for event in events]
    return next(filter(None, results), None)


@carveout.subscribe("ledger.AccountClosed", **PATIENT, ordered=True, via="rq")
def job(event):
    result = leave("job", event)
    time.sleep(settings.JOB_S)
    fail_now_and_then()
    return result


if "handlers" in settings.KINDS:

    @carveout.subscribe("ledger.AccountClosed", max_attempts=5, time_limit_s=LIMIT_S)
    def doomed(event):
        """Some events fail at each attempt; all others have to get through."""
        return leave("doomed", event)


if "releases" in settings.KINDS:
    WIDE = EVERYTHING if settings.RELEASE == 2 else ("ledger.EntryMade",)

    @carveout.subscribe(*WIDE, max_attempts=1000, time_limit_s=WIDE_LIMIT_S)
    def wide(event):
        """Since release 2 it hears one type more."""
        effect("wide", event).save()


if "releases" in settings.KINDS and settings.RELEASE == 2:

    @carveout.subscribe("ledger.AccountClosed", via="rq", max_attempts=10)
    def late(event):
        """There since release 2. Processes of release 1 may see its jobs, and must not try them.

        It never fails. Its workers are killed, though, and so are those that try again.
        """
        effect("late", event).save()
