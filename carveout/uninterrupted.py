"""Where a signal must not interrupt: while Django begins or ends a transaction.

It does so in several steps. An exception between two of them leaves a connection that holds its
locks for ever, or that never commits again.
"""

from types import CodeType, FrameType

from django.db.transaction import Atomic

_BEGINNING_OR_ENDING = {Atomic.__enter__.__code__, Atomic.__exit__.__code__}
_interruptible: set[CodeType] = set()


def interruptible(code: CodeType) -> None:
    """Declare a function that may be interrupted though a transaction that is over called it."""
    _interruptible.add(code)


def is_uninterrupted(frame: FrameType | None) -> bool:
    """Does what runs in this frame have to go on?"""
    while frame is not None:
        if frame.f_code in _interruptible:
            return False
        if frame.f_code in _BEGINNING_OR_ENDING:
            return True
        frame = frame.f_back
    return False
