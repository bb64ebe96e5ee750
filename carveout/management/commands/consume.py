"""manage.py consume CONTEXT…"""

from typing import Any

from django.core.management.base import CommandParser

from carveout.consumers.consumer import Consumer
from carveout.management.arguments import add_contexts, chosen
from carveout.management.base import WorkerCommand
from carveout.management.health_server import add_monitor, monitored
from carveout.management.redis_running import redis_running
from carveout.management.workers import drain, run_forever
from carveout.operations.seam_guard import SeamGuard


class Command(WorkerCommand):
    """Delivers events to the subscriptions of the named contexts."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        add_contexts(parser)
        parser.add_argument("--once", action="store_true", help="process what is there and exit")
        add_monitor(parser)

    def handle(self, *args: Any, contexts: list[str], once: bool, **options: Any) -> None:
        names = chosen(contexts)
        consumer = Consumer(names)
        leases = {"is_balanced": lambda: consumer.is_balanced, "leases_held": consumer.leases_held}
        with redis_running(), monitored("consume", options, self.print_line, **leases):
            if once:
                self.stdout.write(f"{drain(consumer)} events consumed.")
            else:
                started = f"consuming for {', '.join(names)}"
                run_forever(consumer, lambda: self.print_line(started), SeamGuard(names).check)
