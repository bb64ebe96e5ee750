"""The doctor: is everything in place that the guarantees rest on, and what piles up?

Looks only; nothing is changed. Each look is a function that gives findings; whatever one of them
meets, the others look, too.
"""

from collections.abc import Callable, Iterator, Sequence

from carveout.conf import get_settings
from carveout.doctor import (
    configuration,
    databases,
    deliveries,
    logs,
    servers,
    subscriptions,
)
from carveout.doctor.finding import Finding, Level, error, warning, worst

Look = Callable[[str], Iterator[Finding]]

OF_CONTEXTS: Sequence[Look] = (
    logs.look,
    subscriptions.look,
    subscriptions.look_for_unheard,
    deliveries.look,
)
OF_CONTEXTS_IN_REDIS: Sequence[Look] = (
    logs.look_at_streams,
    subscriptions.look_for_consumers,
    deliveries.look_for_workers,
)


def mistakes() -> list[Finding]:
    """What is wrong with the settings; nothing else can be looked at with a mistake in them."""
    return _looked("Settings", configuration.look)


def examine(contexts: Sequence[str]) -> Iterator[Finding]:
    """Everything but the settings, for these contexts, which are hosted here."""
    yield from _looked("Keys", configuration.look_at_keys)
    looks = [*OF_CONTEXTS]
    if not get_settings().uses_redis:
        yield warning(
            "Redis",
            f"is not used: DELIVERY is {get_settings().delivery}, which is for tests: what fails is"
            " not retried",
            "take DELIVERY out of CARVEOUT",
        )
    else:
        found = _looked("Redis", servers.look)
        yield from found
        if worst(found) < Level.ERROR:
            looks += OF_CONTEXTS_IN_REDIS
        else:
            unseen = "were not looked at, because Redis is not well"
            yield warning("Streams, consumers and workers", unseen, "that of Redis comes first")
    for database in sorted({get_settings().database_of(context) for context in contexts}):
        here = [each for each in contexts if get_settings().database_of(each) == database]
        yield from _database(database, here, looks)


def _database(database: str, contexts: Sequence[str], looks: Sequence[Look]) -> Iterator[Finding]:
    found = _looked(f"Database {database}", databases.look, database)
    yield from found
    if worst(found) == Level.ERROR:
        unseen = f"were not looked at, because database {database} is not well"
        yield warning(f"Contexts {', '.join(contexts)}", unseen, "that of the database comes first")
        return
    yield from _looked(f"Database {database}", subscriptions.look_for_undeclared, database)
    for context in contexts:
        for look in looks:
            yield from _looked(f"Context {context}", look, context)


def _looked(what: str, look: Callable[..., Iterator[Finding]], *of: str) -> list[Finding]:
    """What a look finds. If it can't look to the end, that is a finding, too."""
    found = []
    try:
        for finding in look(*of):
            found.append(finding)
    except Exception as failure:
        why = " ".join(str(failure).split())
        unseen = f"could not be looked at to the end ({type(failure).__name__}: {why})"
        found.append(error(what, unseen, "read the error; the rest of the report stands"))
    return found
