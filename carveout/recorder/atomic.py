"""Atomic blocks of the code: the outermost one that is open, who opened it, what it wrote.

Blocks that tests open around the code are none of the code's.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from carveout.recorder.place import Place

OPEN = "_carveout_atomic"


class Block(msgspec.Struct):
    """One that is open. `place` is None for those that are inside of another, or are of tests."""

    place: Place | None = None
    writes: dict[str, str] = {}
    """By table, the line of first-party code that wrote to it first, and the function around it."""
    deletes: bool = False
    """Django opened it to delete rows with all that hang on them."""


def current(connection: BaseDatabaseWrapper) -> Block | None:
    """The code's outermost block."""
    blocks: list[Block] = connection.__dict__.get(OPEN, [])
    return next((block for block in blocks if block.place is not None), None)


def opened(connection: BaseDatabaseWrapper, atomic: Any, outermost: Callable[[], Block]) -> None:
    """Keep a block beside Django's own. outermost: makes one that is in no other."""
    blocks = connection.__dict__.setdefault(OPEN, [])
    # What was left behind by a connection that was closed inside of a block, or by a failure.
    missing = len(connection.atomic_blocks) - 1 - len(blocks)
    del blocks[max(0, len(connection.atomic_blocks) - 1) :]
    blocks.extend(Block() for _ in range(missing))
    inner = atomic._from_testcase or current(connection) is not None
    blocks.append(Block())
    if not inner:
        blocks[-1] = outermost()


@contextmanager
def watching(
    opened: Callable[[Any, Any], None], closed: Callable[[Block], None], active: Callable[[], bool]
) -> Iterator[None]:
    """Within and while active, each block is told that is opened, and the code's when they close.

    What `opened` and `closed` raise breaks the block.
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
