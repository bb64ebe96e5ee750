"""Switches a seam back to its call when too many of its events differ or fail."""

import logging
import time
from collections.abc import Collection

from django.db import transaction
from django.db.models import Sum

from carveout.models import Attempt, Seam, Tally
from carveout.operations import seam_modes
from carveout.operations.audit import Actor
from carveout.runtime import databases
from carveout.seams import switch
from carveout.seams.unhandled import subscriptions_of
from carveout.subscriptions.subscription import hosted

logger = logging.getLogger(__name__)

CHECK_EVERY_S = 2.0
AFTER_ERROR_S = 30.0
FAILURES = (Attempt.Outcome.FAILED, Attempt.Outcome.GIVEN_UP)
GUARD = Actor("guard")


class SeamGuard:
    """Looks after the seams of some contexts that were switched with a guard."""

    def __init__(self, contexts: Collection[str]) -> None:
        self._contexts = contexts
        self._has_seams = any({*each.seams} - {""} for each in hosted(contexts))
        self._waits_until = 0.0

    def check(self) -> None:
        """Switch back what has to be; at most every two seconds. Never fails: delivery goes on."""
        if not self._has_seams or time.monotonic() < self._waits_until:
            return
        self._waits_until = time.monotonic() + CHECK_EVERY_S
        try:
            for row in seam_modes.stored():
                if row.guard and row.name.partition(".")[0] in self._contexts:
                    _check(row, row.guard)
        except Exception as error:
            logger.warning("The guards of seams can't be checked: %r", error)
            self._waits_until = time.monotonic() + AFTER_ERROR_S
            databases.drop_unusable()


def _check(row: Seam, guard: int) -> None:
    if row.mode == Seam.Mode.DIRECT or (many := _counted(row)) < guard:
        return
    what = "differences" if row.mode == Seam.Mode.SHADOW else "events that failed"
    database = switch.database_of(row.name)
    with transaction.atomic(using=database):
        now = Seam.objects.using(database).select_for_update().get(pk=row.pk)
        if now.version == row.version:  # else somebody switched it meanwhile
            why = f"{many} {what}, and its guard is {guard}"
            seam_modes.switch_to(row.name, Seam.Mode.DIRECT, 100, GUARD, why)


def _counted(row: Seam) -> int:
    database = switch.database_of(row.name)
    if row.mode == Seam.Mode.SHADOW:
        ours = Tally.objects.using(database).filter(seam=row.name, version=row.version)
        return ours.aggregate(many=Sum("different"))["many"] or 0
    names = [each.name for each in subscriptions_of(row.name)]
    failed = Attempt.objects.using(database).filter(
        subscription__in=names, outcome__in=FAILURES, began_at__gte=row.changed_at
    )
    return failed.values("event_id").distinct().count()
