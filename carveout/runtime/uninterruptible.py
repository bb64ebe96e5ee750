"""Protects steps that belong together from interruption by a signal.

Django begins and ends a transaction in several steps. An exception between two of them leaves a
connection that holds its locks for ever, or that never commits again. An attempt is counted, made
and stored: if interrupted in between, it is counted without an outcome.
"""

from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, TypeVar

from django.db.transaction import Atomic

Function = TypeVar("Function", bound=Callable[..., Any])

_uninterrupted: set[CodeType] = {Atomic.__enter__.__code__, Atomic.__exit__.__code__}
_interruptible: set[CodeType] = set()


def uninterrupted(function: Function) -> Function:
    """Declare a function in which only functions declared as interruptible can be interrupted."""
    _uninterrupted.add(function.__code__)
    return function


def interruptible(code: CodeType) -> None:
    """Declare a function that can be interrupted even if its caller can't be."""
    _interruptible.add(code)


def is_uninterrupted(frame: FrameType | None) -> bool:
    """Whether the code in this frame must not be interrupted."""
    while frame is not None:
        if frame.f_code in _interruptible:
            return False
        if frame.f_code in _uninterrupted:
            return True
        frame = frame.f_back
    return False
