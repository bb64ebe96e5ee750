"""Checks deliveries of a hosted context: dead, waiting and overdue ones, and their workers."""

import time
from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Max, Min, QuerySet
from django.utils import timezone

from carveout.conf import get_settings
from carveout.conf.time_zones import named
from carveout.deliveries import job_queue
from carveout.deliveries import runnable as turn
from carveout.models import Delivery
from carveout.operations.age import age_s
from carveout.operations.doctor.finding import Finding, count, error, ok, warning
from carveout.subscriptions import subscription
from carveout.telemetry import counters

OVERDUE_S = 60
"""A running consumer looks for due deliveries twice a second."""
OLD_S = 600
RECENT_S = 300
ROWS_MAX = 500


def check(context: str) -> Iterator[Finding]:
    """Checks what the database alone shows."""
    found = [*_dead(context), *_waiting(context), *_overdue(context), *_misdated(context)]
    yield from found or [ok(f"Deliveries of {context}", "none; everything is handled")]


def check_workers(context: str) -> Iterator[Finding]:
    """Checks that workers run, and that they are guarded against jobs that are not ours."""
    what, workers = f"Jobs of {context}", job_queue.workers_of(context)
    for worker in workers:
        if not worker.guarded:
            yield warning(
                what,
                f"a plain RQ worker is on the queue: {worker.name}, process {worker.pid} on"
                f" {worker.host}; it runs any function that a job names",
                f"stop it, and run `manage.py work {context}` instead",
            )
    yield from _unknown(context)
    guarded = sum(worker.guarded for worker in workers)
    queued = _rows(context).filter(state=Delivery.State.QUEUED).count()
    if queued and not guarded:
        found = f"{count(queued, 'job')} queued, and no guarded worker is running"
        yield error(what, found, f"run `manage.py work {context}`")
    elif guarded:
        yield ok(what, f"{count(guarded, 'guarded worker')}, {count(queued, 'job')} queued")


def _unknown(context: str) -> Iterator[Finding]:
    """Finds workers that do not know a subscription: their release is older or newer."""
    for name, tallied in counters.read("unknown").items():
        if name.startswith(f"{context}.") and time.time() - tallied.last < RECENT_S:
            yield warning(
                f"Jobs of {context}",
                f"a worker got a job of {name}, but does not declare that subscription",
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
            f"{group['count']} dead of {group['error_type'] or 'a crash of their process'}, the"
            f" oldest since {named(group['first'])}",
            f"fix the cause, then run `manage.py deliveries retry {of}`; or `discard` them",
        )


def _waiting(context: str) -> Iterator[Finding]:
    runnable = _rows(context).filter(state__in=turn.RUNNABLE).values("subscription", "state")
    for group in runnable.annotate(count=Count("pk"), first=Min("parked_at")).order_by("-count"):
        what = f"Deliveries of {group['subscription']}"
        found = f"{group['count']} {group['state']}, the oldest since {named(group['first'])}"
        fix = "`manage.py deliveries` shows why; the admin shows the traceback"
        old = age_s(group["first"]) > OLD_S
        yield warning(what, found, fix) if old else ok(what, found)


def _misdated(context: str) -> Iterator[Finding]:
    rows = turn.misdated(get_settings().database_of(context))
    rows = rows.filter(subscription__startswith=f"{context}.")
    found = rows.aggregate(count=Count("pk"), due=Max("due_at"), claimed=Max("claimed_until"))
    if found["count"]:
        last = max(filter(None, (found["due"], found["claimed"])))
        yield warning(
            f"Deliveries of {context}",
            f"{found['count']} wait or are claimed until {named(last)}, longer than is possible: a"
            " clock was wrong. They count as due and unclaimed",
            "synchronize all machines' clocks with NTP; a running consumer then tries them at once",
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
            f"{many} due, the first since {named(overdue[0].due_at)}, and no consumer tries them",
            f"run `manage.py consume {context}`",
        )
