"""Handlers that misbehave: each kind, and what must become of the event that meets it.

Every handler leaves a note before it misbehaves and one after it, so half an effect is seen.
"""

import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from django.db import DatabaseError, IntegrityError, connections, transaction

import carveout
from carveout.events.event import ReceivedEvent
from tests.integration.kit.desk.models import note
from tests.integration.kit.tickets.events import TicketReturned
from tests.integration.kit.tickets.models import Ticket

TAKEN = "taken"
LIMIT_S = 0.3


class Unprintable(Exception):
    """Its text can't be had."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


class Kind(NamedTuple):
    """What a handler does between its two notes, and the error that its event has to be parked
    with; empty: its effects have to be complete."""

    act: Callable[[ReceivedEvent], Any]
    error: str = ""


def well(_: ReceivedEvent) -> None:
    """Do nothing wrong."""


def insert_twice() -> None:
    Ticket.objects.using("kit").create(number=TAKEN, title="there is one already")


def catch_without_a_savepoint(_: ReceivedEvent) -> None:
    with suppress(IntegrityError):
        insert_twice()


def catch_with_a_savepoint(_: ReceivedEvent) -> None:
    with suppress(IntegrityError), transaction.atomic(using="kit"):
        insert_twice()


def roll_back_a_savepoint(_: ReceivedEvent) -> None:
    with transaction.atomic(using="kit"):
        note("rolled back")
        transaction.set_rollback(True, using="kit")


def set_rollback(_: ReceivedEvent) -> None:
    transaction.set_rollback(True, using="kit")


def close_the_connection(_: ReceivedEvent) -> None:
    connections["kit"].close()


def close_it_and_catch_what_follows(_: ReceivedEvent) -> None:
    connections.close_all()
    with suppress(DatabaseError, Exception):
        note("on no connection")


def end_the_transaction(event: ReceivedEvent) -> None:
    note(f"before the end {event.key}")  # PostgreSQL's transaction begins with a statement
    with connections["kit"].cursor() as cursor:
        cursor.execute("ROLLBACK")


def leave_a_block_open(_: ReceivedEvent) -> None:
    transaction.atomic(using="kit").__enter__()


def raise_plainly(event: ReceivedEvent) -> None:
    raise ValueError(event.key)


def raise_nul(_: ReceivedEvent) -> None:
    raise ValueError("the supplier answered: \x00\x01PK")


def raise_a_surrogate(_: ReceivedEvent) -> None:
    raise ValueError("no file caf\udce9.pdf")


def raise_what_has_no_text(_: ReceivedEvent) -> None:
    raise Unprintable


def raise_a_long_name(_: ReceivedEvent) -> None:
    raise type("Long" * 100, (Exception,), {})("its class has a long name")


def raise_many(_: ReceivedEvent) -> None:
    raise BaseExceptionGroup("two", [KeyboardInterrupt(), ValueError("inside")])


def exit_the_process(_: ReceivedEvent) -> None:
    sys.exit(3)


def interrupt_the_process(_: ReceivedEvent) -> None:
    raise KeyboardInterrupt


async def nothing() -> None:
    """Nobody awaits it."""


def return_a_coroutine(_: ReceivedEvent) -> Any:
    return nothing()


def return_a_generator(_: ReceivedEvent) -> Any:
    return (each for each in ())


def publish_and_fail(event: ReceivedEvent) -> None:
    carveout.publish(TicketReturned(number=event.key))
    raise ValueError("what it published must go too")


def hang(_: ReceivedEvent) -> None:
    time.sleep(LIMIT_S * 20)


def hang_and_catch_that(_: ReceivedEvent) -> None:
    with suppress(Exception):
        time.sleep(LIMIT_S * 20)


def register_a_hook_that_fails(_: ReceivedEvent) -> None:
    transaction.on_commit(lambda: 1 / 0, using="kit")


def register_a_hook_that_exits(_: ReceivedEvent) -> None:
    transaction.on_commit(sys.exit, using="kit")


def write_elsewhere(_: ReceivedEvent) -> None:
    """On another database, in a transaction of its own that fails there."""
    other = connections["other"]
    with suppress(DatabaseError), transaction.atomic(using="other"), other.cursor() as cursor:
        cursor.execute("SELECT * FROM no_such_table")


MISBEHAVED = "carveout.errors.HandlerMisbehaved"
TIMED_OUT = "carveout.errors.HandlerTimedOut"
HERE = __name__

KINDS: dict[str, Kind] = {
    "well": Kind(well),
    "catch without a savepoint": Kind(catch_without_a_savepoint, MISBEHAVED),
    "catch with a savepoint": Kind(catch_with_a_savepoint),
    "roll back a savepoint": Kind(roll_back_a_savepoint),
    "set_rollback": Kind(set_rollback, MISBEHAVED),
    "close the connection": Kind(close_the_connection, MISBEHAVED),
    "close it and catch what follows": Kind(close_it_and_catch_what_follows, MISBEHAVED),
    "end the transaction": Kind(end_the_transaction, MISBEHAVED),
    "leave a block open": Kind(leave_a_block_open, MISBEHAVED),
    "raise": Kind(raise_plainly, "builtins.ValueError"),
    "raise NUL": Kind(raise_nul, "builtins.ValueError"),
    "raise a surrogate": Kind(raise_a_surrogate, "builtins.ValueError"),
    "raise what has no text": Kind(raise_what_has_no_text, f"{HERE}.Unprintable"),
    "raise a long name": Kind(raise_a_long_name, f"{HERE}.{'Long' * 100}"[:200]),
    "raise many": Kind(raise_many, MISBEHAVED),
    "exit": Kind(exit_the_process, MISBEHAVED),
    "interrupt": Kind(interrupt_the_process, MISBEHAVED),
    "return a coroutine": Kind(return_a_coroutine, MISBEHAVED),
    "return a generator": Kind(return_a_generator, MISBEHAVED),
    "publish and fail": Kind(publish_and_fail, "builtins.ValueError"),
    "hang": Kind(hang, TIMED_OUT),
    "hang and catch that": Kind(hang_and_catch_that, TIMED_OUT),
    "a hook that fails": Kind(register_a_hook_that_fails),
    "a hook that exits": Kind(register_a_hook_that_exits),
    "write elsewhere": Kind(write_elsewhere),
}
SLOW = {"hang", "hang and catch that"}
SLOW_SHARE = 0.1
"""How many of them really hang; the others would only cost time."""


class Handlers:
    """Chooses how each event is met, by seed. Some recover after their first call."""

    def __init__(self, seed: int, share: float = 0.3, without: set[str] = frozenset()) -> None:
        self._seed, self._share = seed, share
        self._kinds = [name for name in KINDS if name not in without and name != "well"]
        self.calls: Counter[str] = Counter()

    def chosen(self, key: str) -> tuple[str, bool]:
        """The kind, and whether it lasts."""
        chance = random.Random(f"{self._seed} {key}")
        if chance.random() > self._share:
            return "well", True
        name = chance.choice(self._kinds)
        if name in SLOW and chance.random() > SLOW_SHARE:
            return "well", True
        return name, chance.random() < 0.5

    def meet(self, event: ReceivedEvent, effect: str) -> Any:
        name, lasts = self.chosen(effect)
        self.calls[effect] += 1
        note(f"begun {effect}")
        recovered = not lasts and self.calls[effect] > 1
        result = None if recovered else KINDS[name].act(event)
        if not recovered and name in ("close it and catch what follows", "leave a block open"):
            return result
        if not recovered and KINDS[name].error and name != "catch without a savepoint":
            return result  # it is lost already: no statement works any more, or it never came back
        with suppress(transaction.TransactionManagementError):
            note(f"done {effect}")
        return result

    def error_of(self, effect: str) -> str:
        """What the event has to be parked with for good; empty: its effects have to be there."""
        name, lasts = self.chosen(effect)
        return KINDS[name].error if lasts else ""
