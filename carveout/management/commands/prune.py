"""manage.py prune --older-than DAYS"""

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from carveout import retention
from carveout.log import places_of
from carveout.management.command import KitCommand
from carveout.management.contexts import add_contexts, chosen
from carveout.management.redis import redis_running


class Command(KitCommand):
    """Deletes old events that every known subscription has handled."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        add_contexts(parser)
        parser.add_argument("--older-than", type=float, required=True, metavar="DAYS", dest="days")

    def handle(self, *args: Any, contexts: list[str], days: float, **options: Any) -> None:
        before = timezone.now() - timedelta(days=days)
        with redis_running():
            attempts = retention.prune_attempts(before)
            for place in places_of(chosen(contexts)):
                retention.note_reports(place)
                deleted = retention.prune(place, before)
                passed = retention.passed_by_all(place)
                self.stdout.write(
                    f"{place[0]}.{place[1]}: {deleted} events pruned;"
                    f" every known cursor is past position {passed}"
                )
            self.stdout.write(f"{attempts} attempts pruned")
