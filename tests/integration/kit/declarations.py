"""What is declared in this process, put aside while a test declares its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from carveout import event, lookups, subscription, upcaster

Declared = tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any], list[Any]]
NOTHING: Declared = ({}, {}, {}, {}, [])


def declared() -> Declared:
    return (
        dict(event.registry),
        dict(lookups.offered),
        dict(subscription.registry),
        dict(upcaster.registry),
        list(lookups.readers),
    )


def declare(what: Declared) -> None:
    """Let exactly this be declared."""
    registries = (event.registry, lookups.offered, subscription.registry, upcaster.registry)
    for registry, entries in zip(registries, what[:4], strict=True):
        registry.clear()
        registry.update(entries)
    lookups.readers[:] = what[4]


@contextmanager
def only(what: Declared) -> Iterator[None]:
    """Inside the block exactly this is declared, and what the block adds."""
    before = declared()
    declare(what)
    try:
        yield
    finally:
        declare(before)
