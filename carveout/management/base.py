"""Base class of the kit's commands."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.checks import Tags
from django.core.checks.registry import registry
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from carveout.errors import CarveoutError
from carveout.runtime import databases, unix

PAGES = {Tags.admin, Tags.urls}
WORKERS = "carveout_workers"
"""Tags of the system checks that workers leave out, and of all others."""


class KitCommand(BaseCommand):
    """Prints the kit's errors in one line, as Django prints a CommandError."""

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
            if not databases.table_is_missing(error):
                raise
            raise CommandError(f"{error}. Run `manage.py migrate` first.") from error

    def print_line(self, text: str) -> None:
        """Prints a line and flushes it, so that it appears at once in a pipe or a file too."""
        self.stdout.write(text)
        self.stdout.flush()

    def print_table(self, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Prints rows in columns as wide as their longest cell."""
        rows = [headings, *rows]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.print_line("  ".join(cells).rstrip())


class WorkerCommand(KitCommand):
    """Refuses to start if a system check finds an error, except for the checks of pages.

    Those import the project's URLs and with them all views. A worker has none.
    """

    needs_unix = True

    @property
    def requires_system_checks(self) -> list[str]:  # type: ignore[override]
        for each in registry.registered_checks:
            if PAGES.isdisjoint(each.tags):  # Django chooses checks by tag; some have none
                each.tags = (*{*each.tags, WORKERS},)
        return [WORKERS]
