"""Tracks atomic blocks of code: the outermost open one, its opener, and what it wrote.

Blocks that tests open around the code do not count as blocks of code.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from carveout.carving.recorder.code_location import CodeLocation

OPEN = "_carveout_atomic"


class Block(msgspec.Struct):
    """An open block. `place` is None for blocks inside another one, and for those of tests."""

    place: CodeLocation | None = None
    writes: dict[str, str] = {}
    """By table, the line of first-party code that first wrote to it, and the function around it."""
    deletes: bool = False
    """Django opened it to delete rows with their dependent rows."""


def current(connection: BaseDatabaseWrapper) -> Block | None:
    """The outermost block of code."""
    blocks: list[Block] = connection.__dict__.get(OPEN, [])
    return next((block for block in blocks if block.place is not None), None)


def opened(connection: BaseDatabaseWrapper, atomic: Any, outermost: Callable[[], Block]) -> None:
    """Adds a block for one that Django opened. outermost: creates a block that is in no other."""
    blocks = connection.__dict__.setdefault(OPEN, [])
    # Drops blocks left behind by a failure, or by a connection that was closed inside a block.
    around = _open(connection) - 1
    missing = around - len(blocks)
    del blocks[max(0, around) :]
    blocks.extend(Block() for _ in range(missing))
    inner = getattr(atomic, "_from_testcase", False) or current(connection) is not None
    blocks.append(Block())
    if not inner:
        blocks[-1] = outermost()


def _open(connection: BaseDatabaseWrapper) -> int:
    """How many blocks are open. Django 3.2 lists only blocks inside another one."""
    blocks = getattr(connection, "atomic_blocks", None)
    return len(connection.savepoint_ids) + 1 if blocks is None else len(blocks)


@contextmanager
def watching(
    opened: Callable[[Any, Any], None], closed: Callable[[Block], None], active: Callable[[], bool]
) -> Iterator[None]:
    """Calls `opened` for each block, and `closed` for blocks of code, while active.

    Errors from `opened` and `closed` break the block.
    """
    enter, leave = transaction.Atomic.__enter__, transaction.Atomic.__exit__

    def entering(self: Any) -> None:
        enter(self)
        if active():
            opened(transaction.get_connection(self.using), self)

    def leaving(self: Any, *raised: Any) -> None:
        blocks = transaction.get_connection(self.using).__dict__.get(OPEN)
        block = blocks.pop() if blocks and active() else None
        try:
            leave(self, *raised)
        finally:
            if block is not None and block.place is not None:
                closed(block)

    transaction.Atomic.__enter__, transaction.Atomic.__exit__ = entering, leaving  # type: ignore[method-assign]
    try:
        yield
    finally:
        transaction.Atomic.__enter__, transaction.Atomic.__exit__ = enter, leave  # type: ignore[method-assign]
