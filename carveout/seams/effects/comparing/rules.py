"""What does not count as a difference, by the shapes of differences."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from carveout.errors import DeclarationInvalid

Clean = Callable[[Any], Any]
EqualIf = Callable[[Any, Any], bool]


@dataclass(frozen=True)
class Rules:
    """What a project knows about the effects of one seam.

    Each is by shape, such as `mail.body`, or by a pattern of shapes, such as `mail.headers.*`.

    Raises: DeclarationInvalid: the message lists each mistake.
    """

    ignore: Iterable[str] = ()
    """Differences that do not count."""
    clean: Mapping[str, Clean] = field(default_factory=dict)
    """Functions that are applied to both values before they are compared."""
    equal_if: Mapping[str, EqualIf] = field(default_factory=dict)
    """Functions that decide whether the value by the call equals the one by the event."""

    def __post_init__(self) -> None:
        if mistakes := [*_mistakes(self)]:
            raise DeclarationInvalid("Rules of a seam: " + " ".join(mistakes))

    def ignoring(self, shapes: Iterable[str]) -> "Rules":
        """These rules, and that these shapes do not count, such as those of what is random."""
        return replace(self, ignore=(*self.ignore, *shapes))

    def ignores(self, shape: str) -> bool:
        return any(_matches(shape, pattern) for pattern in self.ignore)

    def cleaners(self, shape: str) -> list[Clean]:
        """All that match, in the order of their declaration."""
        return [clean for pattern, clean in self.clean.items() if _matches(shape, pattern)]

    def equality(self, shape: str) -> EqualIf | None:
        """The first that matches."""
        found = (each for pattern, each in self.equal_if.items() if _matches(shape, pattern))
        return next(found, None)


def _matches(shape: str, pattern: str) -> bool:
    return shape == pattern or fnmatchcase(shape, pattern)


def _mistakes(rules: Rules) -> Iterator[str]:
    if isinstance(rules.ignore, str) or not isinstance(rules.ignore, list | tuple):
        yield f"ignore is {rules.ignore!r}; it must be a list of shapes."
    else:
        yield from _bad_shapes("ignore", rules.ignore)
    for name, functions in (("clean", rules.clean), ("equal_if", rules.equal_if)):
        if isinstance(functions, Mapping):
            yield from _bad_shapes(name, functions)
            yield from _no_functions(name, functions)
        else:
            yield f"{name} is {functions!r}; it must be a dict from shapes to functions."


def _bad_shapes(name: str, shapes: Iterable[Any]) -> Iterator[str]:
    for shape in shapes:
        if not isinstance(shape, str) or not shape.strip():
            yield f"{name} has the shape {shape!r}; a shape is a text such as 'mail.body'."
        elif not shape.strip("*"):
            yield f"{name} has the shape {shape!r}, which matches every difference."


def _no_functions(name: str, functions: Mapping[str, Any]) -> Iterator[str]:
    for shape, function in functions.items():
        if not callable(function):
            yield f"{name}[{shape!r}] is {function!r}; it must be a function."
