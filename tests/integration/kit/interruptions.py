"""Interruptions: something happens between two steps of the functions under test.

A step is one command of Redis, one query, one transaction or a failpoint. No threads, so a failure
can be repeated.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connections

from carveout.consumers import batch, partition
from carveout.eventlog import reader, relay, sequencer
from carveout.redis import streams
from carveout.subscriptions import cursors

STEPS = (
    (sequencer, "sequence_returning_records"),
    (reader, "log_range"),
    (reader, "read"),
    (streams, "last_position"),
    (streams, "tail"),
    (streams, "restart"),
    (streams, "append"),
    (streams, "read"),
    (cursors, "positions"),
    (cursors, "advance"),
    (relay, "reach"),
    (partition, "reach"),
    (batch, "reach"),
)


class Died(BaseException):
    """The process under test was killed here. No `except Exception` sees it."""


class Interruptions:
    """Knows when the code under test comes from one step to the next."""

    def __init__(self) -> None:
        self._left = 0
        self._act: Callable[[], None] = lambda: None

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Watch all steps."""
        for module, name in STEPS:
            monkeypatch.setattr(module, name, self._watched(getattr(module, name)))

    @contextmanager
    def armed(self, at: int, act: Callable[[], None]) -> Iterator[None]:
        """Inside the block `act` is called once, at the `at`-th moment between two steps."""
        self._left, self._act = at, act
        try:
            yield
        finally:
            self._left = 0

    def _watched(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **options: Any) -> Any:
            self._between()
            result = step(*args, **options)
            self._between()
            return result

        return watched

    def _between(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._act()


def in_transaction() -> bool:
    """Is a transaction of the code under test open? Nobody else can use its connection then."""
    return connections["kit"].in_atomic_block
