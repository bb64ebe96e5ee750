"""Eager delivery, for tests: what is published arrives when the code's own transaction ends.

A TestCase opens a transaction around each test and never commits it, so nothing in it is ever "on
commit". What counts here is the outermost atomic block of the code, in a TestCase or not.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings as django_settings
from django.core.signals import setting_changed
from django.db import connections, transaction

from carveout import inline
from carveout.database import in_block_of_code

PUBLISHED = "_carveout_published"
"""Set on a connection while something that was published there waits for the end of its block."""

_WATCHED = "_carveout_watched"


def deliver_after(database: str) -> None:
    """Deliver when the code's outermost block ends. In a handler the run that called it does it."""
    if not inline.is_under_way():
        connections[database].__dict__[PUBLISHED] = True


def watch(*, setting: str = "CARVEOUT", **_: object) -> None:
    """If the settings say so, learn when atomic blocks end. Once; no production process does it."""
    given = getattr(django_settings, "CARVEOUT", {})
    if setting != "CARVEOUT" or given.get("DELIVERY") != "eager":
        return
    leave = transaction.Atomic.__exit__
    if not hasattr(leave, _WATCHED):
        transaction.Atomic.__exit__ = _watched(leave)  # type: ignore[method-assign]


setting_changed.connect(watch)


def _watched(leave: Callable[..., None]) -> Callable[..., None]:
    def leaving(block: Any, error: type[BaseException] | None, *rest: Any) -> None:
        leave(block, error, *rest)
        _ended(block, failed=error is not None)

    setattr(leaving, _WATCHED, True)
    return leaving


def _ended(block: Any, *, failed: bool) -> None:
    """Deliver, if this was the last block of the code. One on another database may be open.

    Raises: HandlerFailed: as `inline.drain`; what was published is stored nevertheless.
    """
    here = connections.all(initialized_only=True)
    if block._from_testcase or any(in_block_of_code(connection) for connection in here):
        return
    ours = transaction.get_connection(block.using)
    if failed or ours.needs_rollback:
        ours.__dict__.pop(PUBLISHED, None)
        return
    published = [each for each in here if each.__dict__.pop(PUBLISHED, False)]
    if published:
        inline.drain()
