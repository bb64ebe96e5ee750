"""Runs an event's handlers as if its call had not happened, and compares what they do."""

import json
import logging
from decimal import Decimal

from django.utils import timezone

from carveout.conf.time_zones import in_utc
from carveout.deliveries import store
from carveout.errors import CarveoutError
from carveout.events.event import ReceivedEvent
from carveout.models import Delivery, RecordedCall
from carveout.runtime.storable_text import said_by
from carveout.seams import handlers, results
from carveout.seams.declared_rules import rules_of
from carveout.seams.effects import row_images
from carveout.seams.effects.comparing.compare import compare
from carveout.seams.effects.comparing.differences import Difference, compare_errors
from carveout.seams.effects.comparing.rules import Rules
from carveout.seams.effects.comparing.schema import schema_of_models
from carveout.seams.effects.comparing.time_windows import TimeWindow
from carveout.seams.effects.effects import Outside
from carveout.seams.effects.reads import changed
from carveout.seams.effects.undo import InUse, MovedOn
from carveout.seams.handlers import NotComparable, Ran
from carveout.seams.results import Result
from carveout.subscriptions.subscription import Subscription

logger = logging.getLogger(__name__)

AGAIN_AFTER_S = 1.0
"""What differs is compared once more after this time: it may have been a race."""
HOOKS_END_WITHIN_S = 60.0


class HooksUnfinished(CarveoutError):
    """The on_commit hooks of a call have not ended yet, so its effects are not known."""


def run(twin: Subscription, seam: str, event: ReceivedEvent) -> None:
    """Compare an event with its call, in the open transaction, and count the result.

    twin: the subscription that compares.
    Raises: HooksUnfinished, LookupFailed: it can't be compared yet.
    """
    recorded = RecordedCall.objects.using(twin.database).filter(event_id=event.id).first()
    if recorded is None:  # delivered again, or pruned
        logger.info("%s: nothing is recorded for %s %s", seam, event.type, event.key)
        return
    first, unfinished = not _is_parked(twin, event), _hooks_go_on(recorded)
    if unfinished and not first:
        raise HooksUnfinished(f"{seam}: the on_commit hooks of {event.key} have not ended.")
    result = None if unfinished else _result(recorded, event, twin.database)
    if result is None or (first and result.may_pass):
        store.park(twin, [event], Delivery.State.WAITING, wait_s=AGAIN_AFTER_S)
        return
    results.count(recorded, event, result, twin.database)
    row_images.forget(twin.database, recorded.token)
    recorded.delete(using=twin.database)


def _is_parked(twin: Subscription, event: ReceivedEvent) -> bool:
    rows = Delivery.objects.using(twin.database).filter(subscription=twin.name, event_id=event.id)
    return rows.exclude(state=Delivery.State.TRYING).exists()


def _hooks_go_on(recorded: RecordedCall) -> bool:
    age_s = (timezone.now() - recorded.began_at).total_seconds()
    return recorded.open and age_s < HOOKS_END_WITHIN_S


def _result(recorded: RecordedCall, event: ReceivedEvent, database: str) -> Result:
    try:
        found = _differences(recorded, event, database)
        return Result(differences=found, may_pass=bool(found))
    except MovedOn as moved:
        return Result(moved_on=said_by(moved), may_pass=isinstance(moved, InUse))
    except NotComparable as reason:
        return Result(not_comparable=said_by(reason))


def _differences(recorded: RecordedCall, event: ReceivedEvent, database: str) -> list[Difference]:
    """Raises: MovedOn, NotComparable."""
    by_call = _of_call(recorded, database)

    def by_event() -> Ran:
        return handlers.run_without_call(recorded.seam, event, by_call.effects.rows, database)

    rules = rules_of(recorded.seam, database)
    first = by_event()
    found = compare_runs(by_call, first, rules)
    if found and not first.raised:
        # What differs between two runs of the handlers is random, and no difference.
        random = {each.shape for each in compare_runs(first, by_event(), rules)}
        found = compare_runs(by_call, first, rules.ignoring(random))
    if found and (tables := changed(by_call.reads, first.reads)):
        raise MovedOn(f"rows that were read have changed since: {tables}")
    return found


def compare_runs(one: Ran, other: Ran, rules: Rules) -> list[Difference]:
    """What differs between two runs of code. Raises: whatever a function of the rules raises."""
    errors = compare_errors(one.raised, other.raised)
    windows = [TimeWindow(in_utc(each.began_at), in_utc(each.ended_at)) for each in (one, other)]
    return errors or compare(one.effects, other.effects, schema_of_models(), rules, windows)


def _of_call(recorded: RecordedCall, database: str) -> Ran:
    """Raises: NotComparable: not all that the call did is recorded."""
    done = Outside(**json.loads(recorded.outside, parse_float=Decimal))
    if recorded.open:
        done.unrecordable.append("its on_commit hooks did not end within a minute")
    effects = handlers.complete(database, recorded.token, done)
    read = {query: tuple(each) for query, each in json.loads(recorded.reads).items()}
    return Ran(effects, recorded.began_at, recorded.ended_at, reads=read)
