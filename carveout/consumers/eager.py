"""Eager delivery, for tests: events are delivered when the code's own transaction ends.

A TestCase opens a transaction around each test and never commits it, so nothing in it is ever "on
commit". Here, the outermost atomic block of the code counts, in a TestCase or not.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings as django_settings
from django.core.signals import setting_changed
from django.db import connections, transaction

from carveout.runtime.databases import in_block_of_code

PUBLISHED = "_carveout_published"
"""Set on a connection while an event published there waits for the end of its block."""

_WATCHED = "_carveout_watched"


def deliver_after(database: str) -> None:
    """Deliver when the code's outermost block ends; a handler's events go to its current run."""
    from carveout.consumers import inline  # a process that only monitors does not load the consumer

    if not inline.is_under_way():
        connections[database].__dict__[PUBLISHED] = True


def watch(*, setting: str = "CARVEOUT", **_: object) -> None:
    """Patch `Atomic`, if DELIVERY is "eager", to see when blocks end. Once; never in production."""
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
    """Deliver, if this was the code's outermost block. Another database may still have one open.

    Raises: HandlerFailed: as `inline.drain`; the published events are still stored.
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
        from carveout.consumers import inline

        inline.drain()
