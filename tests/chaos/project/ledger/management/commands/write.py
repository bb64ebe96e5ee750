"""manage.py write COUNT [--seed SEED]"""

import random
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import Error, IntegrityError, connections
from django.db.models import Sum

from ledger import services
from ledger.models import Account

LOOK_EVERY = 20
RETRY_S = 0.1
CATCH_UP_S = 5.0
PASSED = """
    SELECT coalesce(min(passed), 0) FROM (
        SELECT sum(position) AS passed FROM carveout_cursor
        WHERE subscription IN ('audit.one', 'audit.batch') GROUP BY subscription
    ) AS subscriptions
"""
PARKED = "SELECT count(*) FROM carveout_delivery WHERE state IN ('waiting', 'queued')"


class Command(BaseCommand):
    """Makes entries until the ledger has so many; several may do so at once."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("count", type=int)
        parser.add_argument("--seed", default="")
        parser.add_argument("--pace", type=float, default=0.0, help="seconds between transactions")

    def handle(self, *args: Any, count: int, seed: str, pace: float, **options: Any) -> None:
        random.seed(seed or None)
        while not _all_written(count, pace):
            time.sleep(RETRY_S)


def _all_written(count: int, pace: float) -> bool:
    """Returns: False if the database went away or is busy: what was under way never was."""
    try:
        services.open_accounts()
        while (left := count - _made()) > 0:
            for _ in range(LOOK_EVERY):
                left -= services.write(min(left, random.randint(1, services.ENTRIES_MAX)))
                if left <= 0:
                    break
                time.sleep(pace)
            _let_them_catch_up()
    except IntegrityError:
        raise
    except Error:
        connections.close_all()
        return False
    return True


def _let_them_catch_up() -> None:
    """Wait for a moment if the audit is far behind, or many of its deliveries wait: what is left
    when all is written is then as much on a slow machine as on a fast one."""
    patience_ends = time.monotonic() + CATCH_UP_S
    while settings.BACKLOG and _are_behind() and time.monotonic() < patience_ends:
        time.sleep(RETRY_S)


def _are_behind() -> bool:
    if _behind() > settings.BACKLOG:
        return True
    with connections[settings.AUDIT_DATABASE].cursor() as cursor:
        cursor.execute(PARKED)
        [parked] = cursor.fetchone()
    return int(parked) > settings.BACKLOG // 5


def _behind() -> int:
    with connections[settings.AUDIT_DATABASE].cursor() as cursor:
        cursor.execute(PASSED)
        [passed] = cursor.fetchone()
    return _made() - int(passed)


def _made() -> int:
    return Account.objects.aggregate(made=Sum("entries"))["made"] or 0
