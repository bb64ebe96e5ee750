"""Runs the handlers of an event and records what they do, with nothing done outside."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connections, transaction
from django.utils import timezone

from carveout.errors import LookupFailed, LookupNotFound
from carveout.events.event import ReceivedEvent
from carveout.runtime import databases
from carveout.seams.effects import elsewhere, reads, row_images
from carveout.seams.effects.effects import Effects, Outside, RowImage
from carveout.seams.effects.outside import watch
from carveout.seams.effects.reads import Reads
from carveout.seams.effects.undo import InUse, undo
from carveout.seams.shadow import watched
from carveout.seams.unhandled import subscriptions_of
from carveout.subscriptions import handler_guard
from carveout.subscriptions.handler import call_handler, declined, prefetch
from carveout.subscriptions.subscription import Subscription

LOCK_NOT_AVAILABLE = "55P03"
"""Source: https://www.postgresql.org/docs/current/errcodes-appendix.html"""


class NotComparable(Exception):
    """Something was done that nothing can record, so nobody can tell whether it is the same."""


@dataclass(frozen=True)
class Ran:
    """What code did, and when."""

    effects: Effects
    began_at: datetime
    ended_at: datetime
    raised: str = ""
    """The error of a handler; then it has no effects."""
    reads: Reads = field(default_factory=dict)


def run_without_call(
    seam: str, event: ReceivedEvent, by_call: Sequence[RowImage], database: str
) -> Ran:
    """Put the rows of a call back, and run the handlers of its event. Nothing of it stays.

    Lookups that are answered in this process see the rows as they were before the call.

    Raises: MovedOn: somebody else changed the rows of the call.
            InUse: somebody else is changing them. Others as `run`.
    """
    with rolled_back(database):
        undo(database, by_call)
        return run(subscriptions_of(seam), event, database)


def run(subscriptions: Sequence[Subscription], event: ReceivedEvent, database: str) -> Ran:
    """Run handlers in a savepoint of the open transaction. Mails, jobs and requests are caught.

    If one of them raises, nothing of them stays in the transaction.

    Raises: InUse: somebody else is changing what the handlers change.
            NotComparable: the handlers did what nothing can record.
            LookupFailed: an owner did not answer.
            Error: the database is in trouble.
    """
    began_at, raised, token = timezone.now(), "", secrets.token_hex(16)
    done, read = Outside(), Reads()
    try:
        with (
            transaction.atomic(using=database),
            _caught(database, token, done),
            reads.noted(database, read),
        ):
            _call(subscriptions, event, database)
    except LookupNotFound as error:
        raised = repr(error)
    except LookupFailed:
        raise
    except Exception as error:
        _refuse_trouble(error, database)
        raised = repr(error)
    effects = complete(database, token, done)
    row_images.forget(database, token)
    return Ran(effects, began_at, timezone.now(), raised, read)


def complete(database: str, token: str, done: Outside) -> Effects:
    """All that was recorded. Raises: NotComparable: there was more."""
    images = row_images.read(database, token)
    if problems := [*images.problems, *done.unrecordable]:
        raise NotComparable("; ".join(dict.fromkeys(problems)))
    return Effects(images.rows, done)


@contextmanager
def rolled_back(database: str) -> Iterator[None]:
    """Inside the block there is a transaction or savepoint that is rolled back at the end."""
    with transaction.atomic(using=database):
        yield
        transaction.set_rollback(True, using=database)


@contextmanager
def _caught(database: str, token: str, done: Outside) -> Iterator[None]:
    with (
        watched(),
        row_images.recording(database, token) as problems,
        elsewhere.noted(database, done),
        watch.caught() as caught,
    ):
        try:
            yield
        finally:
            done.add(caught)
    done.unrecordable += problems


def _call(subscriptions: Sequence[Subscription], event: ReceivedEvent, database: str) -> None:
    hooks = connections[database].run_on_commit
    done = len(hooks)
    for subscription in subscriptions:
        if event.type in subscription.types and _is_wanted(subscription, event):
            fetched = prefetch(subscription.lookups, [event])
            call_handler(subscription, [event], fetched)
    while done < len(hooks):  # a hook may register another one
        _, function, *_ = hooks[done]
        done += 1
        if not _is_ours(function):
            function()


def _is_wanted(subscription: Subscription, event: ReceivedEvent) -> bool:
    """Whether the event would get a job."""
    if subscription.when is None:
        return True
    fetched = prefetch(subscription.when_parameters[1], [event])
    return not declined(subscription, subscription.when, [event], fetched)


def _is_ours(hook: Callable[[], Any]) -> bool:
    """Whether it is a hook of the kit, which wakes others up after the commit."""
    module = getattr(handler_guard.unguarded(hook), "__module__", "") or ""
    return module.startswith("carveout.")


def _refuse_trouble(error: Exception, database: str) -> None:
    """Raises: InUse: another transaction has locked a row. Exception: the connection is gone."""
    if LOCK_NOT_AVAILABLE in databases.states(error):
        raise InUse("A row that the handlers change is being changed by others.") from error
    ours = connections[database]
    if ours.closed_in_transaction or not databases.in_transaction(ours):
        raise error
