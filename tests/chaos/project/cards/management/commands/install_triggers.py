"""manage.py install_triggers"""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from carveout.eventlog.triggers import statements
from carveout.eventlog.triggers.announcement import announced


class Command(BaseCommand):
    """Lets the table of cards announce itself, as a migration of `manage.py announce` does."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            for table in announced(["cards"]):
                for statement in statements.create(table, connection.vendor):
                    cursor.execute(statement)
