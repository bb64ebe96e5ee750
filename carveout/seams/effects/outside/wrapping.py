"""Wraps functions of libraries. Where no block is active, a wrapper costs one look-up."""

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any

from carveout.seams.effects.outside.block import current

MARK = "_carveout_outside"

Around = Callable[..., Any]
"""Called with the block, the original function, and the arguments of the call."""


def found(module: str, name: str) -> Any:
    """Something of a module, if the process has imported it; else None."""
    return getattr(sys.modules.get(module), name, None)


def wrap(owner: Any, name: str, around: Around) -> None:
    """Have a block's code call `around` instead of what this class or module itself defines.

    Idempotent.
    """
    original = vars(owner).get(name)
    if original is None or hasattr(original, MARK):
        return

    @wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        block = current()
        if block is None:
            return original(*args, **kwargs)
        return around(block, original, *args, **kwargs)

    setattr(wrapped, MARK, True)
    setattr(owner, name, wrapped)


def wrap_family(base: Any, arounds: Mapping[str, Around]) -> None:
    """Wrap methods of a class and of all its subclasses, present and future. Idempotent."""
    for cls in _family(base):
        _wrap_own(cls, arounds)
    if MARK not in vars(base):
        _wrap_future(base, arounds)
        setattr(base, MARK, True)


def _family(base: Any) -> Iterator[Any]:
    yield base
    for cls in base.__subclasses__():
        yield from _family(cls)


def _wrap_own(cls: Any, arounds: Mapping[str, Around]) -> None:
    for name, around in arounds.items():
        wrap(cls, name, around)


def _wrap_future(base: Any, arounds: Mapping[str, Around]) -> None:
    defined = vars(base).get("__init_subclass__")

    def wrap_new(cls: Any, /, **kwargs: Any) -> None:
        if defined:
            defined.__get__(None, cls)(**kwargs)
        else:
            super(base, cls).__init_subclass__(**kwargs)
        _wrap_own(cls, arounds)

    base.__init_subclass__ = classmethod(wrap_new)
