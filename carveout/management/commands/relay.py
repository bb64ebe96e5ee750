"""manage.py relay"""

from typing import Any

from django.core.management.base import CommandParser

from carveout.conf import get_settings
from carveout.management.command import KitCommand
from carveout.management.monitor import add_monitor, monitored
from carveout.management.redis import redis_running
from carveout.relay import Relay
from carveout.worker import drain, run_forever


class Command(KitCommand):
    """Gives committed events their positions and copies them to Redis."""

    help = __doc__
    needs_unix = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="drain what is there and exit")
        add_monitor(parser)

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        contexts = get_settings().hosted
        relay = Relay(contexts)
        with redis_running(), monitored("relay", options, self.tell):
            if once:
                self.stdout.write(f"{drain(relay)} events sequenced or shipped")
            else:
                run_forever(relay, lambda: self.tell(f"relays {', '.join(contexts)}"))
