"""manage.py repartition CONTEXT"""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from carveout import fence, log
from carveout.conf import get_settings
from carveout.management.asking import add_yes, make_sure
from carveout.management.command import KitCommand
from carveout.management.contexts import chosen
from carveout.wake import wake_relay


class Command(KitCommand):
    """Divides a context's log into as many partitions as the settings say.

    Safe while events are in flight: what was published before is handled before.
    """

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("context")
        parser.add_argument(
            "--to", type=int, metavar="N", help="another number than the settings say"
        )
        add_yes(parser)

    def handle(self, *args: Any, context: str, to: int | None, yes: bool, **options: Any) -> None:
        chosen([context])
        partitions = to or get_settings().contexts[context].partitions
        if not 1 <= partitions <= log.SLOTS:
            raise CommandError(f"--to {partitions}: from 1 to {log.SLOTS} partitions are possible.")
        before = log.partitions_of(context)
        if partitions == before:
            raise CommandError(
                f"The log of {context} is in {before} partitions already. Change 'partitions' in"
                f" CARVEOUT['CONTEXTS']['{context}'] first."
            )
        make_sure(
            self,
            f"The log of {context}, in {before} partitions now, is divided into {partitions}. Each"
            " subscription waits at that point of a partition until it has come to it in all.",
            yes=yes,
        )
        put_up = fence.put_up(context, partitions)
        wake_relay(context)
        for number, position in put_up.at.items():
            self.stdout.write(f"{context}.{number}: divided anew after position {position - 1}")
