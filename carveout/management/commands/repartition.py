"""manage.py repartition CONTEXT"""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from carveout.conf import get_settings
from carveout.eventlog import reader, repartition
from carveout.eventlog.partitions import SLOTS
from carveout.management.arguments import add_yes, chosen, make_sure
from carveout.management.base import KitCommand
from carveout.redis.wakeups import notify_relay


class Command(KitCommand):
    """Repartitions a context's log into the number of partitions in the settings.

    Safe while events are in flight: what was published before is handled before.
    """

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("context")
        parser.add_argument(
            "--to", type=int, metavar="N", help="use this number instead of the settings'"
        )
        add_yes(parser)

    def handle(self, *args: Any, context: str, to: int | None, yes: bool, **options: Any) -> None:
        chosen([context])
        partitions = to or get_settings().contexts[context].partitions
        if not 1 <= partitions <= SLOTS:
            raise CommandError(f"--to {partitions}: the number must be from 1 to {SLOTS}.")
        before = reader.partition_count(context)
        if partitions == before:
            raise CommandError(
                f"The log of {context} already has {before} partitions. Change 'partitions' in"
                f" CARVEOUT['CONTEXTS']['{context}'] first."
            )
        make_sure(
            self,
            f"The log of {context} will have {partitions} partitions; it has {before} now. Each"
            " subscription waits at the change until it has got that far in every partition.",
            yes=yes,
        )
        barrier = repartition.repartition(context, partitions)
        notify_relay(context)
        for number, position in barrier.at.items():
            self.stdout.write(f"{context}.{number}: repartitioned after position {position - 1}")
