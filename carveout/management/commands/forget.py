"""manage.py forget SUBSCRIPTION"""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from carveout.conf import get_settings
from carveout.events.event import PartitionRef
from carveout.management.arguments import add_yes, make_sure
from carveout.management.base import KitCommand
from carveout.management.redis_running import redis_running
from carveout.redis import groups
from carveout.subscriptions import cursors, subscription
from carveout.telemetry import counters


class Command(KitCommand):
    """Deletes the cursors of a subscription that is gone for good, so that logs can be pruned.

    Run it where the contexts that it subscribed to are hosted, and where it was hosted itself.
    """

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("subscription")
        add_yes(parser)

    def handle(self, *args: Any, yes: bool, **options: Any) -> None:
        name = options["subscription"]
        if name in subscription.registry:
            raise CommandError(f"{name} is still declared here. Remove it from the code first.")
        make_sure(
            self,
            f"{name} will lose its cursors. If it is declared again, it starts as a new one.",
            yes=yes,
        )
        with redis_running():
            configured = [PartitionRef(*each) for each in get_settings().configured_partitions]
            grouped = groups.partitions_with(name, configured)
            refs = cursors.known_partitions(name) | grouped
            gone = sum(cursors.forget(name, ref) for ref in refs) + len(grouped)
            counters.drop_subscription(name)
        if not gone:
            raise CommandError(f"Nothing is known here of a subscription {name}.")
        self.stdout.write(f"{name} is forgotten.")
