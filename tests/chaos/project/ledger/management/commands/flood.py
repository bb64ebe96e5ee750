"""manage.py flood COUNT"""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

import carveout
from ledger.events import EntryMade

ROWS = 500
"""Events of one transaction."""


class Command(BaseCommand):
    """Announces entries number 1 to COUNT, as fast as it can."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("count", type=int)

    def handle(self, *args: Any, count: int, **options: Any) -> None:
        for first in range(1, count + 1, ROWS):
            with transaction.atomic():
                for number in range(first, min(first + ROWS, count + 1)):
                    carveout.publish(EntryMade(account=f"A-{number % 1_000}", number=number))
