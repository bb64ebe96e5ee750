"""Turns what a handler does to its transaction or process into a failure of that handler.

A handler may catch a database error, close its connection, call `sys.exit` or return a coroutine.
Django and Python then continue as if nothing happened, or end the worker. Here each of these
becomes an exception of this one call, so that its event is parked and nothing else is affected.
"""

import inspect
import logging
import re
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.db import connections

from carveout.errors import HandlerMisbehaved
from carveout.events.event import ReceivedEvent
from carveout.runtime import databases
from carveout.runtime.stopping import WorkerStopped
from carveout.runtime.storable_text import said_by
from carveout.runtime.uninterruptible import interruptible
from carveout.subscriptions.subscription import Subscription
from carveout.subscriptions.time_limit import Interrupted, time_limit

logger = logging.getLogger(__name__)


class _Before(NamedTuple):
    """The transaction that is open before a handler is called; empty if none is."""

    connection: Any
    raw: Any
    depth: int
    hooks: int
    sound: bool
    begun: bool


def run(
    subscription: Subscription, events: Sequence[ReceivedEvent], call: Callable[[], Any]
) -> None:
    """Call a handler for these events, inside `transaction_kept`.

    Raises: HandlerMisbehaved: its effects can't be committed, or it did not do its work; and
        any error of the handler.
    """
    before = _before(subscription.database)
    with _process_goes_on:
        _refuse_unfinished(call())
    if before:
        _check(before)
        _make_robust(before, subscription, events)


@contextmanager
def transaction_kept(subscription: Subscription) -> Iterator[None]:
    """Run handlers inside the block so that, if one fails, its transaction can still be ended.

    Goes around time limits, so that none interrupts the clean-up.
    """
    before = _before(subscription.database)
    if before is None:
        yield
        return
    try:
        with before.connection.execute_wrapper(_refuse_control):
            yield
    except BaseException as error:
        databases.cancel_running()
        _end_what_is_open(before, error)
        if _closed(before) and isinstance(error, Exception):
            raise _closing() from error
        raise


def _before(alias: str) -> _Before | None:
    ours = connections[alias]
    if not ours.in_atomic_block:
        return None
    depth, hooks = len(ours.atomic_blocks), len(ours.run_on_commit)
    begun = databases.in_transaction(ours)  # in PostgreSQL it begins with the first statement
    return _Before(ours, ours.connection, depth, hooks, not ours.needs_rollback, begun)


class _ProcessGoesOn:
    """Turns a handler's `sys.exit` into a failure. Errors that really end the process pass.

    A class, as a generator would cost each event two microseconds.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: object
    ) -> None:
        if error is None or isinstance(error, (Exception, WorkerStopped, Interrupted)):
            return
        if isinstance(error, KeyboardInterrupt) and _interrupts():
            return
        raise HandlerMisbehaved(
            f"The handler raised {type(error).__name__} ({said_by(error)}), which would have ended"
            " the worker. Raise an Exception instead."
        ) from error


_process_goes_on = _ProcessGoesOn()


def _refuse_control(execute: Callable[..., Any], sql: Any, *rest: Any) -> Any:
    if isinstance(sql, str) and _CONTROL.match(sql):
        raise _unended()
    return execute(sql, *rest)


_CONTROL = re.compile(
    r"\s*(?:COMMIT|END|ABORT|BEGIN|START|ROLLBACK(?!\s+(?:\w+\s+)?TO\b))\b", re.IGNORECASE
)


def _unended() -> HandlerMisbehaved:
    return HandlerMisbehaved(
        "The handler began or ended a transaction itself. Leave BEGIN, COMMIT, ROLLBACK and the"
        " end of each atomic() to Django."
    )


def _interrupts() -> bool:
    """Whether a KeyboardInterrupt may come from the keyboard. Workers handle SIGINT themselves."""
    return signal.getsignal(signal.SIGINT) is signal.default_int_handler


def _refuse_unfinished(result: Any) -> None:
    """Fail if a handler returns a coroutine or generator, which nothing would run."""
    if result is None:
        return
    unfinished = inspect.isawaitable(result) or inspect.isgenerator(result)
    if not unfinished and not inspect.isasyncgen(result):
        return
    if inspect.iscoroutine(result):
        result.close()  # else Python warns that it was never awaited
    raise HandlerMisbehaved(
        f"The handler only returned a {type(result).__name__}, which nothing runs. Write `def`"
        " without `yield`; to call async code, use asgiref.sync.async_to_sync."
    )


def _check(before: _Before) -> None:
    """Raises: HandlerMisbehaved: what the handler did in this transaction can't be committed."""
    ours = before.connection
    if _closed(before):
        raise _closing()
    if before.sound and ours.needs_rollback:
        raise HandlerMisbehaved(
            "The handler caught a database error, or called set_rollback, so its effects can't be"
            " committed. Put code that may fail in `with transaction.atomic():` inside the `try`."
        )
    ended = before.begun and not databases.in_transaction(ours)
    if ended or len(ours.atomic_blocks) != before.depth:
        raise _unended()


def _end_what_is_open(before: _Before, error: BaseException) -> None:
    """Roll back the atomic() blocks that a handler began and did not end."""
    for block in reversed(before.connection.atomic_blocks[before.depth :]):
        block.__exit__(type(error), error, error.__traceback__)


def _closed(before: _Before) -> bool:
    ours = before.connection
    return bool(ours.closed_in_transaction) or ours.connection is not before.raw


def _closing() -> HandlerMisbehaved:
    return HandlerMisbehaved(
        "The handler closed its database connection, so its effects were lost. Remove"
        " connection.close(), close_old_connections() and connections.close_all() from it."
    )


def _make_robust(
    before: _Before, subscription: Subscription, events: Sequence[ReceivedEvent]
) -> None:
    """Let a failing on_commit hook of the handler fail alone, and log it."""
    hooks = before.connection.run_on_commit
    if len(hooks) == before.hooks:
        return
    keys = ", ".join(dict.fromkeys(event.key for event in events[:10]))
    for index in range(before.hooks, len(hooks)):
        savepoints, function, robust = hooks[index]
        if not robust:
            hooks[index] = (savepoints, _Hook(function, subscription, keys).run, True)


class _Hook(NamedTuple):
    """A function that a handler registered with `transaction.on_commit`."""

    function: Callable[[], object]
    subscription: Subscription
    keys: str

    def run(self) -> None:
        """Run the hook. The transaction is over, so an error undoes nothing and is only logged."""
        name = self.subscription.name
        try:
            with time_limit(self.subscription.time_limit_s, name), _process_goes_on:
                self.function()
        except Exception:
            logger.exception("%s: an on_commit hook failed after %s was handled", name, self.keys)


def unguarded(hook: Callable[[], object]) -> Callable[[], object]:
    """The function that was registered with `transaction.on_commit`, as the handler gave it."""
    guard = getattr(hook, "__self__", None)
    return guard.function if isinstance(guard, _Hook) else hook


interruptible(run.__code__)
interruptible(_Hook.run.__code__)
