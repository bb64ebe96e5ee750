"""The audit: who did what to deliveries and subscriptions, and why.

Each act is a line of the log `carveout.audit`. If it was done by an account, the admin's own
history has an entry for each row besides, which outlives the row; or one that names them all, if
there are very many.
"""

import getpass
import logging
from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import Model

from carveout.storable import storable

logger = logging.getLogger(__name__)

REASON_LENGTH_MAX = 1_000
"""Characters that a reason may have."""
ENTRIES_MAX = 1_000
"""Rows that have an entry each; a hundred thousand entries would take a minute."""
NAMED_MAX = 20
"""Rows that a line of the log names; the admin's history names them all."""


class Who(NamedTuple):
    """Who acts: a name, and their account if they have one here."""

    name: str
    account: Any = None


def system_user() -> Who:
    """The account of the operating system that runs this process."""
    try:
        return Who(getpass.getuser())
    except (OSError, KeyError):  # a container's user may have no name
        return Who("somebody on this machine")


def account(username: str) -> Who | None:
    """The account of that name, if there is one."""
    model = get_user_model()
    found = model._default_manager.filter(**{model.USERNAME_FIELD: username}).first()
    return Who(username, found) if found else None


def record(who: Who, did: str, rows: Sequence[Model], why: str, detail: str = "") -> None:
    """Note that somebody did something to these rows, which may be gone by now.

    did: a word, as "retried".
    detail: what there is to know besides, on lines of its own.
    """
    why, detail = storable(why), storable(detail)
    named = ", ".join(_name(row) for row in islice(rows, NAMED_MAX))
    more = f" and {len(rows) - NAMED_MAX} more" if len(rows) > NAMED_MAX else ""
    logger.info("%s %s %s%s: %s", who.name, did, named, more, _one_line(why))
    for line in detail.splitlines():
        logger.info("%s", line)
    if who.account is not None and apps.is_installed("django.contrib.admin"):
        message = f"{did.capitalize()}. Reason: {why}" + (f"\n{detail}" if detail else "")
        _store(who, rows, message)


def _store(who: Who, rows: Sequence[Model], message: str) -> None:
    from django.contrib.admin.models import CHANGE, LogEntry  # only where the admin is installed
    from django.contrib.contenttypes.models import ContentType

    def entry(row: Model, object_id: str | None, name: str, text: str) -> LogEntry:
        return LogEntry(
            user=who.account,
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
    """So that nobody forges a line of the log."""
    return " ".join(why.split()) or "(no reason given)"


def _name(row: Model) -> str:
    """Ids are only unique within a database."""
    where = "" if row._state.db in (None, "default") else f" in {row._state.db}"
    return f"{row}{where}"
