"""Blame: the one place that decides whether an event and its handler are at fault for an error.

A failure counts as an attempt at its event, or it is somebody else's (the database went away, the
disk is full), and then the event waits without losing an attempt.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import Error, InterfaceError, OperationalError, connections

from carveout.errors import HandlerMisbehaved
from carveout.subscription import Subscription

ELSEWHERE_MAX = 3
"""So often in a row the same event may meet a database in trouble before it is at fault itself: a
handler can end its connection in ways that look like a crash."""
REMEMBERED_MAX = 1_000
CAUSES_MAX = 10

# Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
_HANDLERS_STATES = ("25P", "57014")
"""Idle in its transaction for too long, or a query that took too long."""
_ELSEWHERE_STATES = ("08", "53", "57P", "58", "25006")
"""No connection, no resources, server shuts down, system error, read-only after a fail-over."""
_ELSEWHERE_IN_SQLITE = (
    "disk i/o error",
    "database or disk is full",
    "unable to open database file",
    "attempt to write a readonly database",
)
_MISSING_TABLE_STATE, _MISSING_TABLE_IN_SQLITE = "42P01", "no such table: carveout_"

_in_trouble: Counter[tuple[str, UUID]] = Counter()


class Course:
    """How far one attempt at one event came."""

    def __init__(self) -> None:
        self.called = False
        self.failed = False

    @contextmanager
    def of_handler(self) -> Iterator[None]:
        """Inside the block the handler runs."""
        self.called = True
        try:
            yield
        except Exception:
            self.failed = True
            raise


def is_elsewhere(
    error: Exception, course: Course, subscription: Subscription, event_id: UUID
) -> bool:
    """Is something else than the event and its handler at fault? Ask once for each failure."""
    if not course.called:
        return True
    pair = (subscription.name, event_id)
    if not _is_databases(error, course, subscription.database):
        _in_trouble.pop(pair, None)
        return False
    if len(_in_trouble) > REMEMBERED_MAX:
        _in_trouble.clear()
    _in_trouble[pair] += 1
    return _in_trouble[pair] <= ELSEWHERE_MAX


def table_is_missing(error: BaseException) -> bool:
    """Is a table of ours not there, because nobody has run `migrate`?"""
    if _MISSING_TABLE_IN_SQLITE in str(error):
        return True
    return _MISSING_TABLE_STATE in _states(error) and "carveout_" in str(error)


def _is_databases(error: Exception, course: Course, database: str) -> bool:
    states = _states(error)
    if isinstance(error, HandlerMisbehaved) or _begins(states, _HANDLERS_STATES):
        return False
    if _begins(states, _ELSEWHERE_STATES):
        return True
    if any(text in str(error).lower() for text in _ELSEWHERE_IN_SQLITE):
        return _came_from_a_database(error)
    if not course.failed:  # moving the cursor or the commit did; a constraint may be deferred
        return isinstance(error, OperationalError | InterfaceError)
    return _came_from_a_database(error) and _is_gone(database)


def _is_gone(database: str) -> bool:
    """Is the connection lost? Django drops one that can't even roll back."""
    ours = connections[database]
    return ours.connection is None or not (ours.in_atomic_block or ours.is_usable())


def _came_from_a_database(error: Exception) -> bool:
    return any(isinstance(each, Error) for each in _chain(error))


def _begins(states: list[str], kinds: tuple[str, ...]) -> bool:
    return any(state.startswith(kinds) for state in states)


def _states(error: BaseException) -> list[str]:
    """The SQLSTATEs that a database gave."""
    given = (getattr(at, "sqlstate", None) or getattr(at, "pgcode", None) for at in _chain(error))
    return [state for state in given if state]


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what caused it."""
    at: BaseException | None = error
    for _ in range(CAUSES_MAX):
        if at is not None:
            yield at
            at = at.__cause__
