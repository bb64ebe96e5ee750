"""Records who did what to deliveries and subscriptions, and why.

Each action is a line in the log `carveout.audit`. If an account did it, the admin's history also
has an entry for each row, which remains after the row is deleted. If there are very many rows, one
entry names them all.
"""

import getpass
import logging
from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import Model

from carveout.runtime.storable_text import storable

logger = logging.getLogger("carveout.audit")

REASON_LENGTH_MAX = 1_000
"""The maximum length of a reason."""
ENTRIES_MAX = 1_000
"""Up to this many rows get an entry each; 100,000 entries would take a minute."""
NAMED_MAX = 20
"""Rows that a log line names; the admin's history names them all."""


class Actor(NamedTuple):
    """The person who acts: a name, and their account if they have one here."""

    name: str
    account: Any = None


def system_user() -> Actor:
    """The operating system's user that runs this process."""
    try:
        return Actor(getpass.getuser())
    except (OSError, KeyError):  # a container's user may have no name
        return Actor("somebody on this machine")


def account(username: str) -> Actor | None:
    """The account with this name, if there is one."""
    model = get_user_model()
    found = model._default_manager.filter(**{model.USERNAME_FIELD: username}).first()
    return Actor(username, found) if found else None


def record(actor: Actor, did: str, rows: Sequence[Model], why: str, detail: str = "") -> None:
    """Record an action on these rows, which may be deleted by now.

    did: a verb, such as "retried".
    detail: further information, on lines of its own.
    """
    why, detail = storable(why), storable(detail)
    named = ", ".join(_name(row) for row in islice(rows, NAMED_MAX))
    more = f" and {len(rows) - NAMED_MAX} more" if len(rows) > NAMED_MAX else ""
    logger.info("%s %s %s%s: %s", actor.name, did, named, more, _one_line(why))
    for line in detail.splitlines():
        logger.info("%s", line)
    if actor.account is not None and apps.is_installed("django.contrib.admin"):
        message = f"{did.capitalize()}. Reason: {why}" + (f"\n{detail}" if detail else "")
        _store(actor, rows, message)


def _store(actor: Actor, rows: Sequence[Model], message: str) -> None:
    from django.contrib.admin.models import CHANGE, LogEntry  # only where the admin is installed
    from django.contrib.contenttypes.models import ContentType

    def entry(row: Model, object_id: str | None, name: str, text: str) -> LogEntry:
        return LogEntry(
            user=actor.account,
            content_type=ContentType.objects.get_for_model(row, for_concrete_model=False),
            object_id=object_id,
            object_repr=name[:200],
            action_flag=CHANGE,
            change_message=text,
        )

    if len(rows) > ENTRIES_MAX:
        names = "\n".join(_name(row) for row in rows)
        entry(rows[0], None, f"{len(rows):,} rows", f"{message}\n{names}").save()
        return
    LogEntry.objects.bulk_create(entry(row, str(row.pk), _name(row), message) for row in rows)


def _one_line(why: str) -> str:
    """The reason in one line, so that nobody can forge a line of the log."""
    return " ".join(why.split()) or "(no reason given)"


def _name(row: Model) -> str:
    """Names the database too unless it is the default: ids are unique only within one."""
    where = "" if row._state.db in (None, "default") else f" in {row._state.db}"
    return f"{row}{where}"
