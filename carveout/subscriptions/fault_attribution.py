"""Decides whether an event and its handler are at fault for an error; nothing else decides this.

A failure counts as an attempt at its event, or has another cause (the database went away, the disk
is full), and then the event waits without losing an attempt.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import InterfaceError, OperationalError, connections

from carveout.errors import HandlerMisbehaved
from carveout.runtime import databases
from carveout.runtime.storable_text import said_by
from carveout.subscriptions.subscription import Subscription

ELSEWHERE_MAX = 3
"""How often in a row an event may meet database trouble before it is at fault itself: a handler can
end its connection in ways that look like a crash."""
REMEMBERED_MAX = 1_000

# Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
_HANDLERS_STATES = ("25P", "57014")
"""Idle in a transaction for too long, or a query that took too long."""
_ELSEWHERE_STATES = ("08", "53", "57P", "58", "25006")
"""No connection, no resources, server shuts down, system error, read-only after a fail-over."""
_ELSEWHERE_IN_SQLITE = (
    "disk i/o error",
    "database or disk is full",
    "unable to open database file",
    "attempt to write a readonly database",
)

_in_trouble: Counter[tuple[str, UUID]] = Counter()


class Course:
    """How far one attempt at one event got."""

    def __init__(self, database: str) -> None:
        self.called = False
        self.failed = False
        self._connection = connections[database]
        self._raw: object = None

    @contextmanager
    def of_handler(self) -> Iterator[None]:
        """Mark the block in which the handler runs."""
        self.called, self._raw = True, self._connection.connection
        try:
            yield
        except Exception:
            self.failed = True
            raise

    def lost_its_connection(self) -> bool:
        """Whether the handler's connection is gone. Django may have opened another since."""
        ours = self._connection
        return ours.connection is not self._raw or not (ours.in_atomic_block or ours.is_usable())


def is_elsewhere(
    error: Exception, course: Course, subscription: Subscription, event_id: UUID
) -> bool:
    """Whether the cause is not the event or its handler. Call once for each failure."""
    if not course.called:
        return True
    pair = (subscription.name, event_id)
    if not _is_databases(error, course):
        _in_trouble.pop(pair, None)
        return False
    if len(_in_trouble) > REMEMBERED_MAX:
        _in_trouble.clear()
    _in_trouble[pair] += 1
    return _in_trouble[pair] <= ELSEWHERE_MAX


def says_trouble(error: Exception) -> bool:
    """Whether the database itself reports trouble, such as a full disk."""
    said = said_by(error).lower()
    return _begins(databases.states(error), _ELSEWHERE_STATES) or (
        any(text in said for text in _ELSEWHERE_IN_SQLITE) and databases.is_from_database(error)
    )


def _is_databases(error: Exception, course: Course) -> bool:
    states = databases.states(error)
    if isinstance(error, HandlerMisbehaved) or _begins(states, _HANDLERS_STATES):
        return False
    if says_trouble(error):
        return True
    if not course.failed:  # moving the cursor or the commit raised; a constraint may be deferred
        return isinstance(error, OperationalError | InterfaceError)
    return databases.is_from_database(error) and course.lost_its_connection()


def _begins(states: list[str], kinds: tuple[str, ...]) -> bool:
    return any(state.startswith(kinds) for state in states)
