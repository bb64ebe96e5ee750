"""Where a signal must not interrupt: between steps that belong together.

Django begins and ends a transaction in several steps. An exception between two of them leaves a
connection that holds its locks for ever, or that never commits again. An attempt is counted, made
and stored: interrupted in between, it is counted and nobody knows how it ended.
"""

from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, TypeVar

from django.db.transaction import Atomic

Function = TypeVar("Function", bound=Callable[..., Any])

_uninterrupted: set[CodeType] = {Atomic.__enter__.__code__, Atomic.__exit__.__code__}
_interruptible: set[CodeType] = set()


def uninterrupted(function: Function) -> Function:
    """Declare a function in which only what is declared as interruptible may be interrupted."""
    _uninterrupted.add(function.__code__)
    return function


def interruptible(code: CodeType) -> None:
    """Declare a function that may be interrupted though one that may not has called it."""
    _interruptible.add(code)


def is_uninterrupted(frame: FrameType | None) -> bool:
    """Does what runs in this frame have to go on?"""
    while frame is not None:
        if frame.f_code in _interruptible:
            return False
        if frame.f_code in _uninterrupted:
            return True
        frame = frame.f_back
    return False
