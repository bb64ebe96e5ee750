"""The claim of a delivery is written as SQL; what may run is written for Django's ORM too."""

import random
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

import carveout
from carveout.deliveries import runnable
from carveout.models import Cursor, Delivery
from carveout.subscriptions.subscription import registry

pytestmark = pytest.mark.usefixtures("kit")

HOUR = timedelta(hours=1)
PAST, SOON, NEVER_CLAIMED, MISDATED = -HOUR, timedelta(seconds=60), None, 24 * HOUR


def subscribe(*, ordered: bool):
    @carveout.subscribe("tickets.TicketSold", via="rq", ordered=ordered)
    def print_ticket(event):
        pass

    return next(each for name, each in registry.items() if name.endswith("print_ticket"))


def stored(rng: random.Random, name: str, position: int) -> Delivery:
    claimed = rng.choice([PAST, SOON, NEVER_CLAIMED, NEVER_CLAIMED, NEVER_CLAIMED, MISDATED])
    return Delivery.objects.using("kit").create(
        subscription=name,
        context=rng.choice(["tickets", "tickets", "desk"]),
        partition=rng.choice([0, 0, 1]),
        position=position,
        key=rng.choice("AB"),
        event_id=uuid.UUID(int=rng.getrandbits(128)),
        event=f"event {position}",
        state=rng.choice(Delivery.State.values),
        attempts=rng.choice([0, 3]),
        due_at=timezone.now(),
        claimed_until=claimed and timezone.now() + claimed,
    )


def may_run(row: Delivery, *, ordered: bool) -> bool:
    """By the conditions that the other queries use."""
    rows = Delivery.objects.using("kit").filter(
        runnable.is_free(timezone.now()), ~runnable.is_paused(), state__in=runnable.RUNNABLE
    )
    if ordered:
        rows = rows.filter(~runnable.has_earlier())
    return rows.filter(pk=row.pk, attempts=row.attempts, event=row.event).exists()


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("paused", [False, True])
def test_what_may_run_can_be_claimed_and_nothing_else(ordered, paused):
    subscription = subscribe(ordered=ordered)
    rng = random.Random(7)
    others = {"subscription": "desk.others", "context": "tickets", "partition": 0}
    Cursor.objects.using("kit").create(**others, paused_at=timezone.now())
    if paused:
        Cursor.objects.using("kit").create(
            **{**others, "subscription": subscription.name}, paused_at=timezone.now()
        )
    claimed = 0
    for _ in range(12):
        Delivery.objects.using("kit").all().delete()
        positions = rng.sample(range(1, 7), 6)
        rows = [stored(rng, subscription.name, position) for position in positions]
        for read in rng.sample(rows, len(rows)):
            change = rng.choice([None, None, None, "attempts", "event"])
            if change:  # since it was read
                Delivery.objects.using("kit").filter(pk=read.pk).update(**{change: 9})
            expected = may_run(read, ordered=ordered)
            until = timezone.now() + SOON
            assert runnable.claim_if_free(read, subscription, until) is expected
            row = Delivery.objects.using("kit").get(pk=read.pk)
            assert (row.claimed_until == until) is expected
            assert row.attempts == (9 if change == "attempts" else read.attempts + expected)
            claimed += expected
    assert (claimed == 0) is paused
