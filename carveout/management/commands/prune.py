"""manage.py prune --older-than DAYS"""

from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from carveout.conf import get_settings
from carveout.deliveries import attempt_log
from carveout.errors import StreamUnavailable
from carveout.eventlog import retention
from carveout.eventlog.reader import all_partitions
from carveout.events.event import PartitionRef
from carveout.management.arguments import add_contexts, chosen
from carveout.management.base import KitCommand
from carveout.management.redis_running import redis_running
from carveout.seams import results


class Command(KitCommand):
    """Deletes old events that every known subscription has handled."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        add_contexts(parser)
        parser.add_argument("--older-than", type=float, required=True, metavar="DAYS", dest="days")

    def handle(self, *args: Any, contexts: list[str], days: float, **options: Any) -> None:
        before = timezone.now() - timedelta(days=days)
        with redis_running():
            kept, attempts = False, self._prune_attempts(before)
            calls = sum(results.prune(before, each) for each in get_settings().hosted_databases)
            for ref in all_partitions(chosen(contexts)):
                kept = not self._prune(ref, before) or kept
            self.stdout.write(f"{attempts} attempts deleted")
            if calls:
                self.stdout.write(f"{calls} recorded calls deleted that were never compared")
        if kept:
            raise CommandError("Not every partition could be pruned; see above.")

    def _prune_attempts(self, before: datetime) -> int:
        databases = get_settings().hosted_databases
        return sum(attempt_log.prune(before, database) for database in databases)

    def _prune(self, ref: PartitionRef, before: datetime) -> bool:
        """Prunes one partition; its failure stops no other. Returns: did Redis answer?"""
        try:
            deleted, watermark = retention.prune(ref, before), retention.low_watermark(ref)
        except StreamUnavailable as error:
            self.stderr.write(f"{ref}: nothing was pruned. {error}")
            return False
        known = f"all known cursors have passed position {watermark.position}"
        self.stdout.write(f"{ref}: {deleted} events deleted; {watermark.why or known}")
        return True
