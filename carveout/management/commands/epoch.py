"""manage.py epoch CONTEXT"""

from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from carveout.conf import get_settings
from carveout.eventlog import reader
from carveout.management.arguments import add_yes, chosen, make_sure
from carveout.management.base import KitCommand
from carveout.management.redis_running import redis_running
from carveout.redis import streams
from carveout.redis.wakeups import notify_relay


class Command(KitCommand):
    """Starts a new epoch after a context's database was restored or created again."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("context")
        add_yes(parser)

    def handle(self, *args: Any, context: str, yes: bool, **options: Any) -> None:
        chosen([context])
        make_sure(
            self,
            f"The streams of {context} will be deleted and filled again from its log. Subscriptions"
            " that have handled more than the log holds will stop, and say how to continue.",
            yes=yes,
        )
        with redis_running():
            for ref in reader.all_partitions([context]):
                # No process sees the new epoch before the stream is ready for it.
                with transaction.atomic(using=get_settings().database_of(context)):
                    head = reader.new_epoch(*ref)
                    streams.restart(ref, head.identity)
                self.stdout.write(f"{ref}: new epoch after position {head.head}")
            notify_relay(context)
