"""Lists seams and switches their modes, with an entry in the audit."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase

from django.db import transaction
from django.utils import timezone

from carveout.conf import get_settings, validation
from carveout.errors import CarveoutError
from carveout.models import Mismatch, Seam
from carveout.operations import audit
from carveout.operations.audit import Actor
from carveout.runtime.storable_text import storable
from carveout.seams import shadow, switch
from carveout.seams.effects import row_images
from carveout.seams.unhandled import subscriptions_of
from carveout.subscriptions.subscription import registry


class SwitchRefused(CarveoutError):
    """The seam can't be switched like this; nothing was changed."""


def seams() -> list[Seam]:
    """The seams of the contexts hosted here. Those that were never switched are not stored."""
    known = {each.name: each for each in _declared()} | {each.name: each for each in stored()}
    return sorted(known.values(), key=str)


def stored() -> Iterator[Seam]:
    """The seams that were switched at least once, or shown in the admin."""
    for database in get_settings().hosted_databases:
        yield from Seam.objects.using(database)


def _declared() -> Iterator[Seam]:
    for subscription in registry.values():
        for name in sorted({*subscription.seams} - {""}):
            if not name.startswith(shadow.MARK):
                yield Seam(name=name)


def fixed_mode(name: str) -> str | None:
    """The mode that CARVEOUT["SEAMS"] fixes for a seam; None if it fixes none."""
    modes = get_settings().seams
    return modes if isinstance(modes, str) else modes.get(name)


def switch_to(
    name: str, mode: str, share: int, by: Actor, why: str, guard: int | None = None
) -> Seam:
    """Switch a seam. All processes follow within five seconds.

    share: percent of the keys that the mode applies to.
    guard: so many differences or failures switch it back to `direct`; None: it stays.
    Raises: SwitchRefused: there is no such seam or mode, no subscription, or no reason.
            NotRecorded: the mode is `shadow`, and the changes of a table can't be recorded.
    """
    check(name, mode, share, why, guard)
    database = switch.database_of(name)
    if mode == Seam.Mode.SHADOW:
        start_recording(name)
    with transaction.atomic(using=database):
        rows = Seam.objects.using(database).select_for_update()
        row, _ = rows.get_or_create(name=name)
        was = shown(row)
        row.draining = row.draining or _share_of_events(row) > (share if mode == "events" else 0)
        row.mode, row.share, row.version = mode, share, row.version + 1
        row.guard = guard
        row.changed_at, row.changed_by, row.reason = timezone.now(), by.name[:150], storable(why)
        row.save()
        audit.record(by, f"switched from {was} to {shown(row)}:", [row], why)
    return row


def ignore(name: str, shapes: Sequence[str], by: Actor, why: str) -> Seam:
    """Let kinds of differences of a seam not count any more, as they are explained.

    shapes: as `manage.py seams` shows them, or with wildcards.
    Raises: SwitchRefused: there is no such seam, or no reason.
    """
    _check_name(name)
    _check_reason(name, why)
    database = switch.database_of(name)
    with transaction.atomic(using=database):
        row, _ = Seam.objects.using(database).select_for_update().get_or_create(name=name)
        row.ignored = "\n".join(dict.fromkeys([*row.ignored.splitlines(), *shapes]))
        row.save()
        audit.record(by, f"ignores differences of {', '.join(shapes)}:", [row], why)
    return row


@contextmanager
def rows_recorded(database: str) -> Iterator[None]:
    """Inside the block, rows can be recorded. Triggers that were there before it stay.

    Raises: NotRecorded: the changes of a table can't be recorded.
    """
    newly_covered = row_images.install(database)
    try:
        yield
    finally:
        shadows = Seam.objects.using(database).filter(mode=Seam.Mode.SHADOW)
        if newly_covered and not shadows.exists():
            row_images.remove(database)


def start_recording(name: str) -> None:
    """Let the rows that a seam's calls change be recorded. Nothing happens if they are already.

    Raises: NotRecorded: the changes of a table can't be recorded.
    """
    row_images.install(switch.database_of(name))


def stop_recording() -> None:
    """Remove the triggers that record rows.

    Raises: SwitchRefused: a seam is in the mode `shadow`.
    """
    for row in stored():
        if row.mode == Seam.Mode.SHADOW:
            raise SwitchRefused(f"{row.name} is shadow. Switch it to another mode first.")
    for database in get_settings().hosted_databases:
        row_images.remove(database)


def unexplained(row: Seam) -> int:
    """How many kinds of differences its comparisons found that nobody ignores."""
    database = switch.database_of(row.name)
    found = Mismatch.objects.using(database).filter(
        seam=row.name, version=row.version, outcome=Mismatch.Outcome.DIFFERENT
    )
    ignored = row.ignored.splitlines()
    return sum(not any(fnmatchcase(each.shape, one) for one in ignored) for each in found)


def ripe(name: str, days: int) -> str:
    """Check that a seam may be finished: all its keys have been events for so many days.

    Returns: its state as a sentence. Raises: SwitchRefused: it may not.
    """
    if days <= 0:
        return f"{name}: it was not checked how long all its keys have been events."
    if fixed := fixed_mode(name):
        raise SwitchRefused(
            f"{name} is fixed to {fixed!r} by CARVEOUT['SEAMS'], so nothing says how it runs in"
            " production. Run this with the settings of production, or add --after 0 if you know."
        )
    row = next((each for each in seams() if each.name == name), None)
    if row is None or shown(row) != Seam.Mode.EVENTS:
        state = shown(row) if row else "unknown"
        raise SwitchRefused(
            f"{name} is {state} in this database. Switch it first: manage.py seams {name} --mode"
            " events --reason …; or, if this is not the database of production and you looked"
            " there, add --after 0."
        )
    since = timezone.now() - row.changed_at
    if since.days < days:
        raise SwitchRefused(
            f"{name} has been events for {since.days} days. Wait until it has been for {days}, or"
            " say how long is enough with --after."
        )
    return f"{name}: events for all keys since {row.changed_at:%F}, by {row.changed_by}."


def shown(row: Seam) -> str:
    """The mode and share as text: `events 10 %`."""
    return row.mode if row.share == 100 else f"{row.mode} {row.share} %"


def _share_of_events(row: Seam) -> int:
    return row.share if row.mode == Seam.Mode.EVENTS else 0


def check(name: str, mode: str, share: int, why: str, guard: int | None = None) -> None:
    """Raises: SwitchRefused: as `switch_to`."""
    row = _check_name(name)
    if mode not in Seam.Mode.values:
        raise SwitchRefused(f"{name}: {validation.unknown(mode, Seam.Mode.values, 'mode')}")
    if not 1 <= share <= 100:
        raise SwitchRefused(f"{name}: the share is {share} %. Use a whole number from 1 to 100.")
    if mode == Seam.Mode.DIRECT and share != 100:
        raise SwitchRefused(f"{name}: direct has no share. Leave it out, or use 'events'.")
    if guard is not None and (guard < 1 or mode == Seam.Mode.DIRECT):
        raise SwitchRefused(
            f"{name}: a guard is a whole number of at least 1, for 'shadow' or 'events'."
        )
    _check_reason(name, why)
    if fixed_mode(name):
        raise SwitchRefused(
            f"{name} is fixed to {fixed_mode(name)!r} by CARVEOUT['SEAMS'], so no switch would"
            " have an effect. Remove it from the settings."
        )
    if mode != Seam.Mode.DIRECT:
        _check_handlers(name)
    if mode == Seam.Mode.SHADOW:
        _check_databases(name)
    if mode == Seam.Mode.EVENTS and row.mode == Seam.Mode.SHADOW and (many := unexplained(row)):
        raise SwitchRefused(
            f"{name}: kinds of differences that are not explained: {many}. See manage.py seams"
            f" {name}. Fix the handlers and begin again with --mode shadow; or, for a kind that may"
            f" differ: manage.py seams {name} --ignore KIND --reason …"
        )


def _check_name(name: str) -> Seam:
    known = {each.name: each for each in seams()}
    if name not in known:
        raise SwitchRefused(f"There is no seam {name!r} here. {validation.suggest(name, known)}")
    return known[name]


def _check_reason(name: str, why: str) -> None:
    if not why.strip():
        raise SwitchRefused(f"{name}: a switch needs a reason, for the audit.")


def _check_handlers(name: str) -> None:
    if not subscriptions_of(name):
        raise SwitchRefused(
            f"{name}: no subscription here has seam={name!r}, so nothing would handle its events."
            f' Write @carveout.subscribe(…, seam="{name}"), or run this where it is hosted.'
        )


def _check_databases(name: str) -> None:
    """In the mode `shadow`, one transaction has the call, its event and its recording."""
    ours = switch.database_of(name)
    for each in subscriptions_of(name):
        for context in sorted({each.context, *each.source_contexts}):
            theirs = _database_of(context)
            if theirs != ours:
                raise SwitchRefused(
                    f"{name}: shadow needs all of its contexts in one database; {context} is in"
                    f" {theirs!r}, and {name} in {ours!r}. Use 'events', for a small share first."
                )


def _database_of(context: str) -> str | None:
    known = get_settings().contexts.get(context)
    return known.database if known else None
