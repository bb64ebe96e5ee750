"""manage.py consume CONTEXT…"""

from typing import Any

from django.core.management.base import CommandParser

from carveout.consumer import Consumer
from carveout.management.command import KitCommand
from carveout.management.contexts import add_contexts, chosen
from carveout.management.monitor import add_monitor, monitored
from carveout.management.redis import redis_running
from carveout.worker import drain, run_forever


class Command(KitCommand):
    """Brings events to the subscriptions of the named contexts."""

    help = __doc__
    needs_unix = True

    def add_arguments(self, parser: CommandParser) -> None:
        add_contexts(parser)
        parser.add_argument("--once", action="store_true", help="drain what is there and exit")
        add_monitor(parser)

    def handle(self, *args: Any, contexts: list[str], once: bool, **options: Any) -> None:
        names = chosen(contexts)
        consumer = Consumer(names)
        leases = {"settled": lambda: consumer.settled, "leases_held": consumer.leases_held}
        with redis_running(), monitored("consume", options, self.tell, **leases):
            if once:
                self.stdout.write(f"{drain(consumer)} events consumed")
            else:
                run_forever(consumer, lambda: self.tell(f"consumes for {', '.join(names)}"))
