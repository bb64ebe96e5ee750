"""Deliveries of a hosted context: the dead, the waiting, and who should try them."""

import time
from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Max, Min, QuerySet
from django.utils import timezone

from carveout import jobs, subscription, tally, turn
from carveout.conf import get_settings
from carveout.doctor.finding import Finding, age_s, count, error, ok, warning
from carveout.models import Delivery

OVERDUE_S = 60
"""A consumer that runs looks for what is due twice a second."""
OLD_S = 600
LATELY_S = 300
ROWS_MAX = 500


def look(context: str) -> Iterator[Finding]:
    """What the database alone tells."""
    found = [*_dead(context), *_waiting(context), *_overdue(context), *_misdated(context)]
    yield from found or [ok(f"Deliveries of {context}", "none; everything is handled")]


def look_for_workers(context: str) -> Iterator[Finding]:
    """Who works on the queue, and are they guarded against jobs that are not ours?"""
    what, workers = f"Jobs of {context}", jobs.workers_of(context)
    for worker in workers:
        if not worker.guarded:
            yield warning(
                what,
                f"a plain RQ worker is on the queue: {worker.name}, process {worker.pid} on"
                f" {worker.host}; it runs whatever function a job names",
                f"stop it, and run `manage.py work {context}` instead",
            )
    yield from _unknown(context)
    guarded = sum(worker.guarded for worker in workers)
    queued = _rows(context).filter(state=Delivery.State.QUEUED).count()
    if queued and not guarded:
        found = f"{count(queued, 'job')} queued, and no guarded worker runs"
        yield error(what, found, f"run `manage.py work {context}`")
    elif guarded:
        yield ok(what, f"{count(guarded, 'guarded worker')}, {count(queued, 'job')} queued")


def _unknown(context: str) -> Iterator[Finding]:
    """Job workers that do not know a subscription: they run an older release, or a newer one."""
    for name, tallied in tally.of_kind("unknown").items():
        if name.startswith(f"{context}.") and time.time() - tallied.last < LATELY_S:
            yield warning(
                f"Jobs of {context}",
                f"some worker got a job of {name}, and does not declare that subscription",
                "stop the workers of the other release",
            )


def _rows(context: str) -> "QuerySet[Delivery]":
    rows = Delivery.objects.using(get_settings().database_of(context))
    return rows.filter(subscription__startswith=f"{context}.")


def _dead(context: str) -> Iterator[Finding]:
    dead = _rows(context).filter(state=Delivery.State.DEAD).values("subscription", "error_type")
    for group in dead.annotate(count=Count("pk"), first=Min("parked_at")).order_by("-count"):
        of = f"--subscription {group['subscription']} --state dead"
        if group["error_type"]:
            of += f" --error {group['error_type']}"
        yield error(
            f"Deliveries of {group['subscription']}",
            f"{group['count']} dead of {group['error_type'] or 'what ended their process'}, the"
            f" oldest since {group['first']:%F %T}",
            f"remove the cause, then `manage.py deliveries retry {of}`; or `discard` them",
        )


def _waiting(context: str) -> Iterator[Finding]:
    runnable = _rows(context).filter(state__in=turn.RUNNABLE).values("subscription", "state")
    for group in runnable.annotate(count=Count("pk"), first=Min("parked_at")).order_by("-count"):
        what = f"Deliveries of {group['subscription']}"
        found = f"{group['count']} {group['state']}, the oldest since {group['first']:%F %T}"
        mend = "`manage.py deliveries` shows why; the admin shows the traceback"
        old = age_s(group["first"]) > OLD_S
        yield warning(what, found, mend) if old else ok(what, found)


def _misdated(context: str) -> Iterator[Finding]:
    rows = turn.misdated(get_settings().database_of(context))
    rows = rows.filter(subscription__startswith=f"{context}.")
    found = rows.aggregate(count=Count("pk"), due=Max("due_at"), claimed=Max("claimed_until"))
    if found["count"]:
        last = max(filter(None, (found["due"], found["claimed"])))
        yield warning(
            f"Deliveries of {context}",
            f"{found['count']} wait or are claimed until {last:%F %T}, longer than anything may: a"
            " clock was wrong. They count as due and free",
            "let NTP set the clocks of all machines; a running consumer then tries them at once",
        )


def _overdue(context: str) -> Iterator[Finding]:
    declared = subscription.hosted([context])
    due = turn.due(declared, get_settings().database_of(context), ROWS_MAX)
    before = timezone.now() - timedelta(seconds=OVERDUE_S)
    overdue = [row for row in due if row.due_at < before]
    if overdue:
        many = f"{ROWS_MAX} or more" if len(overdue) == ROWS_MAX else len(overdue)
        yield error(
            f"Deliveries of {context}",
            f"{many} due, the first since {overdue[0].due_at:%F %T}, and nobody tries them",
            f"run `manage.py consume {context}`",
        )
