"""The base of our commands."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from carveout import database, unix
from carveout.errors import CarveoutError


class KitCommand(BaseCommand):
    """Tells the kit's errors in a line, as Django does with a CommandError."""

    needs_unix = False

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            if self.needs_unix:
                unix.require(type(self).__module__.rpartition(".")[2])
            return super().execute(*args, **options)
        except CarveoutError as error:
            hint = " The same command may succeed later." if error.retryable else ""
            raise CommandError(f"{error}{hint}") from error
        except DatabaseError as error:
            if not database.table_is_missing(error):
                raise
            raise CommandError(f"{error}. Run `manage.py migrate` first.") from error

    def tell(self, text: str) -> None:
        """Print a line at once, also into a pipe or a file."""
        self.stdout.write(text)
        self.stdout.flush()
