"""Checks the log of a hosted context: does the relay work, and is the stream a copy?"""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Min
from django.utils import timezone

from carveout.conf import get_settings
from carveout.conf.time_zones import named
from carveout.errors import LogMismatch, StreamRefused
from carveout.eventlog import reader, relay
from carveout.events.event import PartitionRef
from carveout.models import Layout, LoggedEvent, Partition
from carveout.operations.age import age_s
from carveout.operations.doctor.finding import Finding, count, error, ok, warning

LATE_S = 10
"""A running relay takes less than a second."""
RUN_THE_RELAY = "run `manage.py relay` here, and read its output"


def check(context: str) -> Iterator[Finding]:
    """Checks what the database alone shows."""
    yield _sequenced(context)
    yield from _partitions(context)


def check_streams(context: str) -> Iterator[Finding]:
    """Compares the log with its copy in Redis."""
    heads = Partition.objects.using(get_settings().database_of(context)).filter(context=context)
    for number in heads.order_by("number").values_list("number", flat=True):
        yield _shipped(PartitionRef(context, number))


def _sequenced(context: str) -> Finding:
    rows = LoggedEvent.objects.using(get_settings().database_of(context))
    late = rows.filter(
        context=context, position=None, time__lt=timezone.now() - timedelta(seconds=LATE_S)
    ).aggregate(count=Count("pk"), first=Min("time"))
    if late["count"]:
        many = count(late["count"], "event")
        found = f"{many} without a position, the oldest since {named(late['first'])}"
        return error(f"Log of {context}", f"{found}; the relay is not running", RUN_THE_RELAY)
    return ok(f"Log of {context}", "every event has its position")


def _partitions(context: str) -> Iterator[Finding]:
    settings = get_settings()
    wanted = settings.contexts[context].partitions
    layout = Layout.objects.using(settings.database_of(context)).filter(context=context).first()
    if layout and layout.partitions != wanted:
        yield warning(
            f"Log of {context}",
            f"has {count(layout.partitions, 'partition')}, but the settings have {wanted}",
            f"run `manage.py repartition {context}`, or change the settings",
        )


def _shipped(ref: PartitionRef) -> Finding:
    what = f"Stream of {ref}"
    try:
        tail, log_range = relay.compare(ref)
    except StreamRefused as refused:
        return error(what, str(refused).rstrip("."), "see above; other streams were checked")
    except LogMismatch as other:
        return error(what, str(other).rstrip("."), f"run `manage.py epoch {ref.context}`")
    last = tail.last
    if not tail.is_whole:
        found = f"its newest entry, position {last}, is not an event of the log or was deleted"
        return warning(what, found, f"{RUN_THE_RELAY}: it fills the stream again")
    missing = reader.rows_of(*ref).filter(position__gt=last).order_by("position")
    waiting = missing.values_list("time", flat=True).first() if last < log_range.head else None
    if waiting and age_s(waiting) > LATE_S:
        found = (
            f"ends at position {last}, and its log at {log_range.head}; the relay is not shipping"
        )
        return error(what, found, RUN_THE_RELAY)
    return ok(what, f"ends at position {last}, its log at {log_range.head}")
