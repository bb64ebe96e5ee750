"""Checks that everything the guarantees depend on is in place, and what piles up.

Nothing is changed. Each check is a function that yields findings. If one fails, the others still
run.
"""

from collections.abc import Callable, Iterator, Sequence

from carveout.conf import get_settings
from carveout.operations.doctor import (
    announced_tables,
    databases,
    deliveries,
    logs,
    own_copies,
    redis,
    seams,
    settings,
    subscriptions,
)
from carveout.operations.doctor.finding import Finding, Level, error, warning, worst

Check = Callable[[str], Iterator[Finding]]

OF_CONTEXTS: Sequence[Check] = (
    logs.check,
    announced_tables.check,
    subscriptions.check,
    subscriptions.check_unheard,
    own_copies.check,
    seams.check,
    deliveries.check,
)
OF_CONTEXTS_IN_REDIS: Sequence[Check] = (
    logs.check_streams,
    subscriptions.check_consumers,
    deliveries.check_workers,
)


def check_settings() -> list[Finding]:
    """Checks the settings. If they have an error, nothing else can be checked."""
    return _run("Settings", settings.check)


def examine(contexts: Sequence[str]) -> Iterator[Finding]:
    """Checks everything but the settings, for these contexts, which are hosted here."""
    yield from _run("Keys", settings.check_keys)
    checks = [*OF_CONTEXTS]
    if not get_settings().uses_redis:
        yield warning(
            "Redis",
            f"is not used: DELIVERY is {get_settings().delivery}, which is for tests and does not"
            " retry",
            "remove DELIVERY from CARVEOUT",
        )
    else:
        found = _run("Redis", redis.check)
        yield from found
        if worst(found) < Level.ERROR:
            checks += OF_CONTEXTS_IN_REDIS
        else:
            unseen = "were not checked, because Redis has an error"
            yield warning("Streams, consumers and workers", unseen, "fix Redis first")
    for database in sorted({get_settings().database_of(context) for context in contexts}):
        here = [each for each in contexts if get_settings().database_of(each) == database]
        yield from _database(database, here, checks)


def _database(database: str, contexts: Sequence[str], checks: Sequence[Check]) -> Iterator[Finding]:
    found = _run(f"Database {database}", databases.check, database)
    yield from found
    if worst(found) == Level.ERROR:
        unseen = f"were not checked, because database {database} has an error"
        yield warning(f"Contexts {', '.join(contexts)}", unseen, "fix the database first")
        return
    yield from _run(f"Database {database}", subscriptions.check_undeclared, database)
    for context in contexts:
        for check in checks:
            yield from _run(f"Context {context}", check, context)


def _run(what: str, check: Callable[..., Iterator[Finding]], *of: str) -> list[Finding]:
    """Runs a check. If it does not complete, that is a finding, too."""
    found = []
    try:
        for finding in check(*of):
            found.append(finding)
    except Exception as failure:
        why = " ".join(str(failure).split())
        unseen = f"check did not complete ({type(failure).__name__}: {why})"
        found.append(error(what, unseen, "read the error; the rest of the report is still valid"))
    return found
