"""manage.py relay"""

from typing import Any

from django.core.management.base import CommandParser

from carveout.conf import get_settings
from carveout.eventlog.relay import Relay
from carveout.management.base import WorkerCommand
from carveout.management.health_server import add_monitor, monitored
from carveout.management.redis_running import redis_running
from carveout.management.workers import drain, run_forever


class Command(WorkerCommand):
    """Assigns positions to committed events and copies the events to Redis."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="process what is there and exit")
        add_monitor(parser)

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        contexts = get_settings().hosted
        relay = Relay(contexts)
        with redis_running(), monitored("relay", options, self.print_line):
            if once:
                self.stdout.write(f"{drain(relay)} events sequenced or shipped.")
            else:
                run_forever(relay, lambda: self.print_line(f"relaying {', '.join(contexts)}"))
