"""Handlers that misbehave: each way that `tests.chaos.fate` names, carried out."""

import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from audit.models import Effect, Once, effect
from django.conf import settings
from django.db import IntegrityError, connection, connections, transaction

import carveout
from tests.chaos import fate

DATABASE = settings.AUDIT_DATABASE
LONG_S = 20.0
"""Far longer than the time limit of a subscription that misbehaves."""
LongName = type("LongName" + "x" * 300, (Exception,), {})


class Silent(Exception):
    """An error that can't say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def misbehave(subscription: str, event: carveout.ReceivedEvent) -> Any:
    """Do what fate says at this call, if anything. Returns: what the handler has to return."""
    if "handlers" not in settings.KINDS:
        return None
    way = fate.fate(settings.SEED, subscription, event.account, event.number)
    if way in fate.BOUNDED and subscription != "doomed" and not _again(subscription, event):
        return None
    return WAYS[way](subscription, event) if way else None


def _again(subscription: str, event: carveout.ReceivedEvent) -> bool:
    """Is it to misbehave once more? Files count the calls: a rollback does not undo them."""
    folder = Path(settings.CARVEOUT["STATE_DIR"]) / "misbehaved"
    folder.mkdir(exist_ok=True)
    for call in range(fate.CALLS):
        try:
            (folder / f"{subscription}-{event.id}-{call}").touch(exist_ok=False)
        except FileExistsError:
            continue
        return True
    return False


def _swallow(*_: Any) -> None:
    """The usual mistake: the error is caught outside of an atomic block."""
    try:
        for _twice in range(2):
            Once.objects.create(name="the only one")
    except IntegrityError:
        pass


def _own_savepoint(subscription: str, event: carveout.ReceivedEvent) -> None:
    """What is rolled back here must not be there, and what comes after it must."""
    savepoint = transaction.savepoint(using=DATABASE)
    effect("rolled back", event).save()
    transaction.savepoint_rollback(savepoint, using=DATABASE)


def _fail_hook(*_: Any) -> None:
    def hook() -> None:
        raise ConnectionError("the broker is down")

    transaction.on_commit(hook, using=DATABASE)


def _write_elsewhere(subscription: str, event: carveout.ReceivedEvent) -> None:
    """Not in the transaction of the cursor: it is there at least once."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_remark (subscription, key, number) VALUES (%s, %s, %s)",
            [subscription, event.account, event.number],
        )


def _fail(error: Callable[[], BaseException]) -> Callable[..., None]:
    def fail(*_: Any) -> None:
        raise error()

    return fail


def _coroutine(subscription: str, event: carveout.ReceivedEvent) -> Any:
    """The effect would be made by what nobody awaits."""
    Effect.objects.filter(subscription=subscription, event_id=event.id).delete()
    return asyncio.sleep(0)


def _hang_in_sql(*_: Any) -> None:
    if connections[DATABASE].vendor != "postgresql":  # SQLite has nothing to hang in
        time.sleep(LONG_S)
    with connections[DATABASE].cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [LONG_S])


def _catch_time_out(*_: Any) -> None:
    for _try in range(3):
        with suppress(Exception):
            time.sleep(LONG_S)


WAYS: dict[str, Callable[..., Any]] = {
    "own savepoint": _own_savepoint,
    "failing hook": _fail_hook,
    "writes elsewhere": _write_elsewhere,
    "swallows": _swallow,
    "sets rollback": lambda *_: transaction.set_rollback(True, using=DATABASE),
    "closes": lambda *_: connections[DATABASE].close(),
    "closes all": lambda *_: connections.close_all(),
    "exits": lambda *_: sys.exit(3),
    "interrupts": _fail(KeyboardInterrupt),
    "says nul": _fail(lambda: ValueError("the supplier answered: \x00\x01PK")),
    "says surrogate": _fail(lambda: ValueError("no file caf\udce9.pdf")),
    "can't say": _fail(Silent),
    "long name": _fail(LongName),
    "coroutine": _coroutine,
    "oversleeps": lambda *_: time.sleep(LONG_S),
    "hangs in sql": _hang_in_sql,
    "catches its time-out": _catch_time_out,
}
