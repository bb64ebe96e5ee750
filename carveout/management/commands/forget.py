"""manage.py forget SUBSCRIPTION"""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from carveout import retention, stream, subscription, tally
from carveout.conf import get_settings
from carveout.management.asking import add_yes, make_sure
from carveout.management.command import KitCommand
from carveout.management.redis import redis_running


class Command(KitCommand):
    """Forgets the cursors of a subscription that is gone for good, so that logs can be pruned.

    Run it where the contexts that it heard are hosted, and where it was itself.
    """

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("subscription")
        add_yes(parser)

    def handle(self, *args: Any, yes: bool, **options: Any) -> None:
        name = options["subscription"]
        if name in subscription.registry:
            raise CommandError(f"{name} is still declared here. Take it out of the code first.")
        make_sure(
            self,
            f"{name} loses its cursors. If it comes back it begins as a new subscription.",
            yes=yes,
        )
        with redis_running():
            grouped = stream.places_with(name, get_settings().places)
            places = retention.places_of(name) | grouped
            gone = sum(retention.forget(name, place) for place in places) + len(grouped)
            tally.clear(name)
        if not gone:
            raise CommandError(f"Nothing is known of a subscription {name} here.")
        self.stdout.write(f"{name} is forgotten.")
