"""manage.py replay SUBSCRIPTION --from POSITION|TIME"""

import time
from argparse import ArgumentTypeError
from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from carveout.eventlog import remote
from carveout.management.arguments import actor_of, add_audit, add_yes, declared, make_sure
from carveout.management.base import KitCommand
from carveout.management.redis_running import redis_running
from carveout.models import SubscriptionRecord
from carveout.operations import audit
from carveout.subscriptions import replay
from carveout.subscriptions.replay import CursorMove
from carveout.subscriptions.subscription import Subscription


def position_or_time(text: str) -> int | datetime:
    """`replay.position_or_time` for argparse."""
    try:
        return replay.position_or_time(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


class Command(KitCommand):
    """Moves a subscription's cursors, so that it handles events again, or skips some."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("subscription")
        parser.add_argument(
            "--from",
            type=position_or_time,
            required=True,
            dest="start",
            help="the position or time of the first event to handle",
        )
        parser.add_argument("--of", metavar="CONTEXT", help="only events of this context")
        parser.add_argument("--partition", type=int, help="only this partition")
        parser.add_argument(
            "--force",
            action="store_true",
            help="even if the subscription is declared replayable=False",
        )
        parser.add_argument("--wait", action="store_true", help="show progress until it is done")
        add_audit(parser)
        add_yes(parser)

    def handle(self, *args: Any, start: int | datetime, **options: Any) -> None:
        subscription = declared(options["subscription"])
        with redis_running():
            moves = replay.plan(
                subscription,
                start,
                context=options["of"],
                partition=options["partition"],
                force=options["force"],
            )
            lines = [
                f"{subscription.name} will continue at another position:",
                *(f"  {move}" for move in moves),
            ]
            make_sure(self, "\n".join(lines), yes=options["yes"])
            self._carry_out(subscription, moves, options)
            if options["wait"]:
                self._wait(subscription, moves)

    def _carry_out(
        self, subscription: Subscription, moves: list[CursorMove], options: dict[str, Any]
    ) -> None:
        records = SubscriptionRecord.objects.using(subscription.database)
        row = records.filter(subscription=subscription.name)[:1]
        summary = "\n".join(map(str, moves))
        with transaction.atomic(using=subscription.database):
            audit.record(actor_of(options), "replayed", list(row), options["reason"], summary)
            replay.apply(subscription, moves)

    def _wait(self, subscription: Subscription, moves: list[CursorMove]) -> None:
        refs = [move.ref for move in moves]
        heads = {ref: remote.log_range(subscription.context, ref).head for ref in refs}
        while True:
            ats = {ref: replay.position(subscription, ref) for ref in refs}
            left = sum(heads[ref] - min(at, heads[ref]) for ref, at in ats.items())
            self.stdout.write(f"\r{left} events left   ", ending="")
            self.stdout.flush()
            if not left:
                break
            time.sleep(0.5)
        self.stdout.write("")
