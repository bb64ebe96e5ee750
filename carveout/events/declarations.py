"""Checks declarations: each name has one owner, and a declared function runs when called."""

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

from asgiref.sync import AsyncToSync

from carveout.conf import code_locations
from carveout.errors import DeclarationInvalid

MODULES = ("events", "lookups", "subscribers")
"""Modules of a context's app that are imported at startup."""
NAME_MAX = 200
"""Most characters of a full name, such as `orders.OrderCreated`: the size of its columns."""

_KINDS = (
    (inspect.isasyncgenfunction, "an async generator"),
    (inspect.iscoroutinefunction, "async"),
    (inspect.isgeneratorfunction, "a generator"),
)
_executions: WeakKeyDictionary[Any, object] = WeakKeyDictionary()
"""By declared object: its module's spec at that time. Each import or reload makes a new one."""


def location_of(declared: Any) -> str:
    """The file and line of a declared object."""
    if isinstance(declared, type):
        return code_locations.of_class(declared)
    return code_locations.of_function(list(_layers(declared))[-1])


def check_only(known: Any, declared: Any, who: str) -> None:
    """Check that a name has one owner. A reload of its module may declare it again.

    Raises: DeclarationInvalid: `known` has the name, and is not from before a reload.
    """
    spec = getattr(sys.modules.get(declared.__module__), "__spec__", None)
    if known is not None:
        reloaded = known.__module__ == declared.__module__ and _executions.get(known) is not spec
        if not reloaded:
            first, second = location_of(known), location_of(declared)
            fix = "Rename one of them, or declare it once."
            if first == second:
                fix = "If a decorator makes both, put functools.wraps on the function it returns."
            raise DeclarationInvalid(
                f"{who} is declared twice, {first} and {second}: only the last would work. {fix}"
            )
    _executions[declared] = spec


def check_name(name: str, who: str) -> None:
    """Raises: DeclarationInvalid: it does not fit Carveout's columns."""
    if len(name) > NAME_MAX or not name.isprintable():
        raise DeclarationInvalid(
            f"{who}: its full name has {len(name)} characters; at most {NAME_MAX} printable ones"
            " can be stored. Give it a shorter name."
        )


def check_sync(function: Callable[..., object], who: str) -> None:
    """Raises: DeclarationInvalid: a call only returns an object and runs none of its code."""
    for layer in _layers(function):
        for is_of, kind in _KINDS:
            if is_of(layer):
                raise DeclarationInvalid(
                    f"{who} ({location_of(layer)}) is {kind}: calling it does nothing, it only"
                    " returns an object. Write a plain function, without async and yield; let"
                    " it run async code with asgiref.sync.async_to_sync(…)(…)."
                )


def not_called(decorator: str, given: Any) -> DeclarationInvalid:
    """The error for `@carveout.subscribe` and the like above a function, without parentheses."""
    where = f"{given.__qualname__} ({location_of(given)})" if callable(given) else repr(given)
    return DeclarationInvalid(
        f"@carveout.{decorator.partition('(')[0]} above or for {where} must be called with"
        f" names in quotes. Write @carveout.{decorator}."
    )


def _layers(function: Any) -> Iterator[Any]:
    """A function, and the functions that it wraps: in partials, decorators and callable objects."""
    while function is not None and not isinstance(function, AsyncToSync):
        yield function
        if isinstance(function, functools.partial | functools.partialmethod):
            function = function.func
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        elif not inspect.isroutine(function) and not isinstance(function, type):
            function = vars(type(function)).get("__call__")
        else:
            return
