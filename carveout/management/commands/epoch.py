"""manage.py epoch CONTEXT"""

from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from carveout import log, stream
from carveout.conf import get_settings
from carveout.management.asking import add_yes, make_sure
from carveout.management.command import KitCommand
from carveout.management.contexts import chosen
from carveout.management.redis import redis_running
from carveout.wake import wake_relay


class Command(KitCommand):
    """Begins a new epoch: after a context's database was restored or created anew."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("context")
        add_yes(parser)

    def handle(self, *args: Any, context: str, yes: bool, **options: Any) -> None:
        chosen([context])
        make_sure(
            self,
            f"The streams of {context} are thrown away and filled again from its log. Subscriptions"
            " that have handled more than the log holds stop, and say how to go on.",
            yes=yes,
        )
        with redis_running():
            for place in log.places_of([context]):
                # Nobody sees the new epoch before the stream is ready for it.
                with transaction.atomic(using=get_settings().database_of(context)):
                    head = log.new_epoch(*place)
                    stream.restart(place, head.identity)
                self.stdout.write(f"{place[0]}.{place[1]}: a new epoch after position {head.head}")
            wake_relay(context)
