"""What is declared in this process, put aside while a test declares its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from carveout import event, lookups, subscription

Declared = tuple[dict[str, Any], dict[str, Any], dict[str, Any], list[Any]]


def declared() -> Declared:
    return (
        dict(event.registry),
        dict(lookups.offered),
        dict(subscription.registry),
        list(lookups.readers),
    )


def declare(what: Declared) -> None:
    """Let exactly this be declared."""
    for registry, entries in zip(
        (event.registry, lookups.offered, subscription.registry), what[:3], strict=True
    ):
        registry.clear()
        registry.update(entries)
    lookups.readers[:] = what[3]


@contextmanager
def only(what: Declared) -> Iterator[None]:
    """Inside the block exactly this is declared, and what the block adds."""
    before = declared()
    declare(what)
    try:
        yield
    finally:
        declare(before)
