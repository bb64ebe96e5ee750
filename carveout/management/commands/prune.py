"""manage.py prune --older-than DAYS"""

from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from carveout import retention
from carveout.errors import StreamUnavailable
from carveout.event import Place
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
            kept, attempts = False, retention.prune_attempts(before)
            for place in places_of(chosen(contexts)):
                kept = not self._prune(place, before) or kept
            self.stdout.write(f"{attempts} attempts pruned")
        if kept:
            raise CommandError("Not every partition could be pruned; see above.")

    def _prune(self, place: Place, before: datetime) -> bool:
        """One partition's trouble is not another's. Returns: could Redis be asked?"""
        what = f"{place[0]}.{place[1]}"
        try:
            deleted, passed = retention.prune(place, before), retention.passed_by_all(place)
        except StreamUnavailable as error:
            self.stderr.write(f"{what}: nothing was pruned. {error}")
            return False
        known = f"every known cursor is past position {passed.position}"
        self.stdout.write(f"{what}: {deleted} events pruned; {passed.why or known}")
        return True
