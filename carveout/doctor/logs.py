"""The log of a hosted context: does the relay work, and is the stream its copy?"""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Min
from django.utils import timezone

from carveout import log, relay
from carveout.conf import get_settings
from carveout.doctor.finding import Finding, age_s, count, error, ok, warning
from carveout.errors import LogMismatch, StreamRefused
from carveout.event import Place
from carveout.models import Layout, LoggedEvent, Partition

LATE_S = 10
"""A relay that runs takes less than a second."""
RUN_THE_RELAY = "run `manage.py relay` here, and read what it says"


def look(context: str) -> Iterator[Finding]:
    """What the database alone tells."""
    yield _sequenced(context)
    yield from _division(context)


def look_at_streams(context: str) -> Iterator[Finding]:
    """The log against its copy in Redis."""
    heads = Partition.objects.using(get_settings().database_of(context)).filter(context=context)
    for number in heads.order_by("number").values_list("number", flat=True):
        yield _shipped((context, number))


def _sequenced(context: str) -> Finding:
    rows = LoggedEvent.objects.using(get_settings().database_of(context))
    late = rows.filter(
        context=context, position=None, time__lt=timezone.now() - timedelta(seconds=LATE_S)
    ).aggregate(count=Count("pk"), first=Min("time"))
    if late["count"]:
        many = count(late["count"], "event")
        found = f"{many} without a position, the oldest since {late['first']:%F %T}"
        return error(f"Log of {context}", f"{found}; the relay does not run", RUN_THE_RELAY)
    return ok(f"Log of {context}", "every event has its position")


def _division(context: str) -> Iterator[Finding]:
    settings = get_settings()
    wanted = settings.contexts[context].partitions
    layout = Layout.objects.using(settings.database_of(context)).filter(context=context).first()
    if layout and layout.partitions != wanted:
        yield warning(
            f"Log of {context}",
            f"is divided in {layout.partitions}, and the settings say {wanted}",
            f"`manage.py repartition {context}`, or change the settings",
        )


def _shipped(place: Place) -> Finding:
    what = f"Stream of {place[0]}.{place[1]}"
    try:
        tail, extent = relay.compare(place)
    except StreamRefused as refused:
        return error(what, str(refused).rstrip("."), "see above; other streams were looked at")
    except LogMismatch as other:
        return error(what, str(other).rstrip("."), f"`manage.py epoch {place[0]}`")
    last = tail.last
    if not tail.is_whole:
        found = f"its newest entry, position {last}, is no event of the log or was deleted"
        return warning(what, found, f"{RUN_THE_RELAY}: it fills the stream again")
    missing = log.rows_of(*place).filter(position__gt=last).order_by("position")
    waiting = missing.values_list("time", flat=True).first() if last < extent.head else None
    if waiting and age_s(waiting) > LATE_S:
        found = f"ends at position {last}, and its log at {extent.head}; the relay does not ship"
        return error(what, found, RUN_THE_RELAY)
    return ok(what, f"ends at position {last}, its log at {extent.head}")
