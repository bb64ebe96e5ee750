"""What is declared in this process, put aside while a test declares its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from carveout.eventlog.triggers import announcement
from carveout.events import event, upcasters
from carveout.lookups import reader
from carveout.lookups.provider import providers
from carveout.subscriptions import following, subscription

Declared = tuple[*tuple[dict[str, Any], ...], list[Any]]
NOTHING: Declared = ({}, {}, {}, {}, {}, {}, [])


def declared() -> Declared:
    return (
        dict(event.registry),
        dict(providers),
        dict(subscription.registry),
        dict(upcasters.registry),
        dict(announcement.registry),
        dict(following.registry),
        list(reader.readers),
    )


def declare(what: Declared) -> None:
    """Let exactly this be declared."""
    registries = (
        *(event.registry, providers, subscription.registry, upcasters.registry),
        *(announcement.registry, following.registry),
    )
    for registry, entries in zip(registries, what[:-1], strict=True):
        registry.clear()
        registry.update(entries)
    reader.readers[:] = what[-1]


@contextmanager
def only(what: Declared) -> Iterator[None]:
    """Inside the block exactly this is declared, and what the block adds."""
    before = declared()
    declare(what)
    try:
        yield
    finally:
        declare(before)
