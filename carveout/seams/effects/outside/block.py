"""The block that the current code runs in: its outside effects are recorded, or caught."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal
from weakref import WeakKeyDictionary

from carveout.errors import CarveoutError
from carveout.seams.effects.effects import Outside, Values

SENTENCES_MAX = 50
"""More tell nobody more: one is enough for "not comparable"."""

Kind = Literal["mails", "jobs", "requests"]


class NotCaught(CarveoutError):
    """A handler did something outside its process that can't be caught, so it was refused."""


@dataclass
class EffectBlock:
    """Some code whose outside effects are recorded, or caught."""

    catches: bool
    """Whether nothing is really done."""
    outside: Outside = field(default_factory=Outside)
    around: "EffectBlock | None" = None
    """Another block that gets the same effects."""
    open: bool = True
    temporary: set[str] = field(default_factory=set)
    """Files and folders that `tempfile` made in it."""
    requests: WeakKeyDictionary[Any, Any] = field(default_factory=WeakKeyDictionary)
    """The last request of each HTTP connection."""

    def add(self, kind: Kind, values: Callable[[], Values]) -> None:
        """Add an effect. Never raises: what can't be described is unrecordable."""
        try:
            with suspended():
                made = values()
        except Exception as error:
            self.note(f"{kind}: one could not be described: {_said(error)}")
            return
        for outside in self._outsides():
            getattr(outside, kind).append(made)

    def note(self, sentence: str) -> None:
        """Add what can't be recorded."""
        for outside in self._outsides():
            known = outside.unrecordable
            if len(known) < SENTENCES_MAX and sentence not in known:
                known.append(sentence)

    def refuse(self, sentence: str) -> None:
        """Add what can't be recorded. Raises: NotCaught: nothing may be done here."""
        self.note(sentence)
        if self.catches:
            raise NotCaught(f"{sentence}: that can't be caught, so it was refused.")

    def refuse_if(self, seen: Callable[[], str | None]) -> None:
        """Add what can't be recorded, if this function says so, in a sentence.

        Raises: NotCaught: it does, and nothing may be done here. Nothing else.
        """
        try:
            with suspended():
                sentence = seen()
        except Exception as error:
            sentence = f"did what could not be described: {_said(error)}"
        if sentence:
            self.refuse(sentence)

    def _outsides(self) -> Iterator[Outside]:
        block: EffectBlock | None = self
        while block is not None:
            yield block.outside
            block = block.around


_active: ContextVar[EffectBlock | None] = ContextVar("carveout_outside", default=None)


def current() -> EffectBlock | None:
    """The block of the current code.

    What outlives a block that caught, such as a task of asyncio, is still caught.
    """
    block = _active.get()
    return block if block is not None and (block.open or block.catches) else None


@contextmanager
def using(block: EffectBlock | None) -> Iterator[None]:
    before = _active.get()
    _active.set(block)
    try:
        yield
    finally:
        _active.set(before)


def suspended() -> AbstractContextManager[None]:
    """Inside the block of code, all is done for real, and nothing is recorded."""
    return using(None)


@contextmanager
def opened(*, catches: bool) -> Iterator[EffectBlock]:
    """A new block. Inside one that catches, nothing is done in any other either."""
    outer = current()
    block = EffectBlock(catches or (outer is not None and outer.catches))
    if outer is not None and outer.catches == block.catches:
        block.around = outer  # what was not done is no effect for a block that records
    try:
        with using(block):
            yield block
    finally:
        block.open = False


def _said(error: Exception) -> str:
    try:
        return repr(error)
    except Exception:  # its own `__repr__` may fail
        return type(error).__name__
