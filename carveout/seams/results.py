"""Counts what comparisons found, and keeps the last examples of each kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil, log
from typing import Any

from django.db import transaction
from django.utils import timezone

from carveout.events.event import ReceivedEvent
from carveout.models import Mismatch, RecordedCall, RecordedRow, Tally
from carveout.runtime.storable_text import storable
from carveout.seams.effects.comparing.differences import Difference

EXAMPLES = 10
"""Of each kind; older ones are dropped."""
SHAPES = 200
"""Kinds that are counted separately for each switch of a seam; others are counted as one."""
OTHERS = "others"
SHAPE_MAX = Mismatch._meta.get_field("shape").max_length
STEP = 1.1
"""How much longer than the last one each class of times is."""


@dataclass(frozen=True)
class Result:
    """What one comparison found; equal, if nothing."""

    differences: Sequence[Difference] = ()
    moved_on: str = ""
    not_comparable: str = ""
    may_pass: bool = False
    """Whether a second comparison may find something else."""

    @property
    def column(self) -> str:
        """Where it is counted."""
        if self.not_comparable:
            return "not_comparable"
        if self.moved_on:
            return "moved_on"
        return "different" if self.differences else "equal"


def count(recorded: RecordedCall, event: ReceivedEvent, result: Result, database: str) -> None:
    """Count a result in the open transaction, and keep it as an example if it is not "equal"."""
    with transaction.atomic(using=database):
        rows = Tally.objects.using(database).select_for_update()
        row, _ = rows.get_or_create(
            seam=recorded.seam,
            version=recorded.version,
            context=event.context,
            partition=event.partition,
        )
        setattr(row, result.column, getattr(row, result.column) + 1)
        late_ms = (timezone.now() - event.time).total_seconds() * 1000
        _add(row.call_times, recorded.took_ms)
        _add(row.event_times, late_ms)
        row.save(using=database)
        for outcome, differences in _kinds(result):
            _keep(recorded, event, outcome, differences, database)


def _kinds(result: Result) -> list[tuple[Mismatch.Outcome, Difference]]:
    outcomes = Mismatch.Outcome
    if result.not_comparable:
        return [(outcomes.NOT_COMPARABLE, Difference(result.not_comparable, "", ""))]
    if result.moved_on:
        return [(outcomes.MOVED_ON, Difference(result.moved_on, "", ""))]
    first = {each.shape: each for each in reversed(result.differences)}
    return [(outcomes.DIFFERENT, each) for each in reversed(first.values())]


def _keep(
    recorded: RecordedCall,
    event: ReceivedEvent,
    outcome: Mismatch.Outcome,
    difference: Difference,
    database: str,
) -> None:
    ours = Mismatch.objects.using(database).filter(seam=recorded.seam, version=recorded.version)
    shape = storable(difference.shape, SHAPE_MAX)
    if not ours.filter(outcome=outcome, shape=shape).exists() and ours.count() >= SHAPES:
        shape = OTHERS
    row, _ = ours.select_for_update().get_or_create(
        seam=recorded.seam, version=recorded.version, outcome=outcome, shape=shape
    )
    example = {
        "event": str(event.id),
        "key": event.key,
        "call": storable(difference.call),
        "by_event": storable(difference.event),
        "at": timezone.now().isoformat(timespec="seconds"),
    }
    row.events += 1
    row.examples = [example, *row.examples][:EXAMPLES]
    row.last_at = timezone.now()
    row.save(using=database)


def prune(before: datetime, database: str) -> int:
    """Delete calls that were recorded before a time and never compared, with their rows.

    Returns: how many.
    """
    calls = RecordedCall.objects.using(database).filter(began_at__lt=before)
    rows = RecordedRow.objects.using(database).filter(token__in=calls.values("token"))
    with transaction.atomic(using=database):
        rows.delete()
        return calls.delete()[0]


def _add(times: dict[str, int], ms: float) -> None:
    """Count a time in its class, which is named after its end in milliseconds."""
    name = str(ceil(log(max(ms, 0.1), STEP)))
    times[name] = times.get(name, 0) + 1


def median_ms(times: Mapping[str, int]) -> float | None:
    """The median of counted times, to 10 %; None without times."""
    left = sum(times.values()) / 2
    for name, many in sorted(times.items(), key=lambda each: int(each[0])):
        left -= many
        if left <= 0:
            return float(STEP ** int(name))
    return None


@dataclass
class Summary:
    """All results of a seam since it was switched."""

    equal: int = 0
    different: int = 0
    moved_on: int = 0
    not_comparable: int = 0
    waiting: int = 0
    """Calls whose events were not compared yet."""
    call_ms: float | None = None
    """The median time of a call."""
    event_ms: float | None = None
    """The median time from the call to the end of the comparison."""

    @property
    def compared(self) -> int:
        return self.equal + self.different

    @property
    def any(self) -> bool:
        """Whether anything was recorded."""
        return bool(self.compared or self.moved_on or self.not_comparable or self.waiting)

    @property
    def at_most_percent(self) -> float | None:
        """If nothing differed, how many percent may still do so, with 95 % confidence: the rule of
        three. Source: https://doi.org/10.1001/jama.1983.03330370053031
        """
        if not self.compared or self.different:
            return None
        return min(300 / self.compared, 100.0)


def summary(seam: str, version: int, database: str) -> Summary:
    """The results of a seam since the switch of this version."""
    found, call_times, event_times = Summary(), dict[str, int](), dict[str, int]()
    for row in Tally.objects.using(database).filter(seam=seam, version=version):
        for column in ("equal", "different", "moved_on", "not_comparable"):
            setattr(found, column, getattr(found, column) + getattr(row, column))
        _merge(call_times, row.call_times)
        _merge(event_times, row.event_times)
    rows = RecordedCall.objects.using(database).filter(seam=seam, version=version)
    found.waiting = rows.count()
    found.call_ms, found.event_ms = median_ms(call_times), median_ms(event_times)
    return found


def _merge(into: dict[str, int], times: Mapping[str, Any]) -> None:
    for name, many in times.items():
        into[name] = into.get(name, 0) + many
