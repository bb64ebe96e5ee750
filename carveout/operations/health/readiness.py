"""Reports whether everything that this process needs answers: names only, no addresses."""

from collections.abc import Callable
from functools import partial

from django.db import Error, connections

from carveout.conf import get_settings
from carveout.operations.metrics.metric import statement_timeout
from carveout.redis.client import REDIS_ERRORS, fast_client

Answers = dict[str, bool]
"""Whether it answers, by name."""


def databases() -> Answers:
    """Asks the databases of the contexts hosted here."""
    names = get_settings().hosted_databases
    return {f"database {name}": _answers(partial(_ask, name)) for name in names}


def redis() -> Answers:
    """Asks Redis, unless events are delivered without it."""
    if not get_settings().uses_redis:
        return {}
    return {"redis": _answers(fast_client().ping)}


def _ask(database: str) -> None:
    with statement_timeout(database), connections[database].cursor() as cursor:
        cursor.execute("SELECT 1")


def _answers(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except (Error, *REDIS_ERRORS):
        return False
    return True
