"""Readiness: does everything answer that this process needs? Tells names, and no addresses."""

from collections.abc import Callable
from functools import partial

from django.db import Error, connections

from carveout.conf import get_settings
from carveout.connection import REDIS_ERRORS, impatient_client
from carveout.metrics.metric import hurried

Answers = dict[str, bool]
"""By what was asked."""


def databases() -> Answers:
    """Those of the contexts hosted here."""
    names = get_settings().hosted_databases
    return {f"database {name}": _answers(partial(_ask, name)) for name in names}


def redis() -> Answers:
    """Nothing if events are delivered without it."""
    if not get_settings().uses_redis:
        return {}
    return {"redis": _answers(impatient_client().ping)}


def _ask(database: str) -> None:
    with hurried(database), connections[database].cursor() as cursor:
        cursor.execute("SELECT 1")


def _answers(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except (Error, *REDIS_ERRORS):
        return False
    return True
