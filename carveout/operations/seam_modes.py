"""Lists seams and switches their modes, with an entry in the audit."""

from collections.abc import Iterator

from django.db import transaction
from django.utils import timezone

from carveout.conf import get_settings, validation
from carveout.errors import CarveoutError
from carveout.models import Seam
from carveout.operations import audit
from carveout.operations.audit import Actor
from carveout.runtime.storable_text import storable
from carveout.seams import switch
from carveout.seams.unhandled import subscriptions_of
from carveout.subscriptions.subscription import registry


class SwitchRefused(CarveoutError):
    """The seam can't be switched like this; nothing was changed."""


def seams() -> list[Seam]:
    """The seams of the contexts hosted here. Those that were never switched are not stored."""
    stored = {
        row.name: row
        for database in get_settings().hosted_databases
        for row in Seam.objects.using(database)
    }
    return sorted(({each.name: each for each in _declared()} | stored).values(), key=str)


def _declared() -> Iterator[Seam]:
    for subscription in registry.values():
        for name in sorted({*subscription.seams} - {""}):
            yield Seam(name=name)


def fixed_mode(name: str) -> str | None:
    """The mode that CARVEOUT["SEAMS"] fixes for a seam; None if it fixes none."""
    modes = get_settings().seams
    return modes if isinstance(modes, str) else modes.get(name)


def switch_to(name: str, mode: str, share: int, by: Actor, why: str) -> Seam:
    """Switch a seam. All processes follow within five seconds.

    share: percent of the keys that the mode applies to.
    Raises: SwitchRefused: there is no such seam or mode, no subscription, or no reason.
    """
    check(name, mode, share, why)
    database = switch.database_of(name)
    with transaction.atomic(using=database):
        rows = Seam.objects.using(database).select_for_update()
        row, _ = rows.get_or_create(name=name)
        was = shown(row)
        row.draining = row.draining or _share_of_events(row) > (share if mode == "events" else 0)
        row.mode, row.share, row.version = mode, share, row.version + 1
        row.changed_at, row.changed_by, row.reason = timezone.now(), by.name[:150], storable(why)
        row.save()
        audit.record(by, f"switched from {was} to {shown(row)}:", [row], why)
    return row


def ripe(name: str, days: int) -> str:
    """Check that a seam may be finished: all its keys have been events for so many days.

    Returns: its state as a sentence. Raises: SwitchRefused: it may not.
    """
    if days <= 0:
        return f"{name}: not asked how long its keys have been events."
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


def check(name: str, mode: str, share: int, why: str) -> None:
    """Raises: SwitchRefused: as `switch_to`."""
    known = [each.name for each in seams()]
    if name not in known:
        raise SwitchRefused(f"There is no seam {name!r} here. {validation.suggest(name, known)}")
    if mode == "shadow":
        raise SwitchRefused(f"{name}: shadow is not in this version. Use 'direct' or 'events'.")
    if mode not in Seam.Mode.values:
        raise SwitchRefused(f"{name}: {validation.unknown(mode, Seam.Mode.values, 'mode')}")
    if not 1 <= share <= 100:
        raise SwitchRefused(f"{name}: the share is {share} %. Use a whole number from 1 to 100.")
    if mode == Seam.Mode.DIRECT and share != 100:
        raise SwitchRefused(f"{name}: direct has no share. Leave it out, or use 'events'.")
    if not why.strip():
        raise SwitchRefused(f"{name}: a switch needs a reason, for the audit.")
    if fixed_mode(name):
        raise SwitchRefused(
            f"{name} is fixed to {fixed_mode(name)!r} by CARVEOUT['SEAMS'], so no switch would"
            " have an effect. Remove it from the settings."
        )
    if mode == Seam.Mode.EVENTS and not subscriptions_of(name):
        raise SwitchRefused(
            f"{name}: no subscription here has seam={name!r}, so nothing would handle its events."
            f' Write @carveout.subscribe(…, seam="{name}"), or run this where it is hosted.'
        )
