"""manage.py replay SUBSCRIPTION --from POSITION|TIME"""

import time
from argparse import ArgumentTypeError
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from carveout import cursor, history, trace
from carveout.cursor import At
from carveout.event import Place
from carveout.management.asking import add_yes, make_sure
from carveout.management.command import KitCommand
from carveout.management.redis import redis_running
from carveout.subscription import Subscription, registry


def position_or_time(text: str) -> int | datetime:
    """A position from 1, or a time such as 2026-01-31T12:00."""
    if text.isdecimal() and int(text) > 0:
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is neither a position from 1 nor a time.") from None
    return moment if moment.tzinfo else timezone.make_aware(moment)


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
            help="also if the subscription is declared replayable=False",
        )
        parser.add_argument("--wait", action="store_true", help="show progress until it is done")
        add_yes(parser)

    def handle(self, *args: Any, start: int | datetime, **options: Any) -> None:
        subscription = self._subscription(options["subscription"])
        places = [
            place
            for place in sorted(cursor.places([subscription.name], subscription.database))
            if options["of"] in (None, place[0]) and options["partition"] in (None, place[1])
        ]
        if not places:
            raise CommandError(f"{subscription.name} has no cursor there yet. Nothing was done.")
        with redis_running():
            moves = {place: self._target(subscription, place, start) for place in places}
            self._refuse(subscription, moves, force=options["force"])
            make_sure(self, self._plan(subscription, moves), yes=options["yes"])
            for place, target in moves.items():
                was = cursor.move(subscription.name, place, At(target), subscription.database)
                if target < was:
                    trace.forget(subscription.name, place)
            if options["wait"]:
                self._wait(subscription, places)

    def _subscription(self, name: str) -> Subscription:
        if name not in registry:
            known = ", ".join(sorted(registry)) or "none"
            raise CommandError(f"There is no subscription {name!r} here. There are: {known}.")
        return registry[name]

    def _target(self, subscription: Subscription, place: Place, start: int | datetime) -> int:
        extent = history.extent(subscription.context, place)
        if isinstance(start, datetime):
            target = history.position_before(subscription.context, place, start)
        else:
            target = min(start - 1, extent.head)
        if target < extent.first - 1:
            raise CommandError(
                f"{place[0]}.{place[1]}: the log begins at position {extent.first}; what is before"
                f" is pruned. Say --from {extent.first} or later."
            )
        return target

    def _refuse(self, subscription: Subscription, moves: dict[Place, int], *, force: bool) -> None:
        back = any(target < self._position(subscription, place) for place, target in moves.items())
        if back and not subscription.replayable and not force:
            raise CommandError(
                f"{subscription.name} is declared replayable=False: its effects would happen again."
                " Say --force if that is what you want."
            )

    def _plan(self, subscription: Subscription, moves: dict[Place, int]) -> str:
        lines = [f"{subscription.name} goes on elsewhere:"]
        for place, target in moves.items():
            at = self._position(subscription, place)
            what = f"{at - target} handled again" if target < at else f"{target - at} never handled"
            lines.append(f"  {place[0]}.{place[1]}: from {at} to {target}, {what}")
        return "\n".join(lines)

    def _position(self, subscription: Subscription, place: Place) -> int:
        found = cursor.positions([subscription.name], place, subscription.database)
        if subscription.name not in found:
            raise CommandError(f"{subscription.name} has no cursor on {place[0]}.{place[1]} yet.")
        return found[subscription.name].position

    def _wait(self, subscription: Subscription, places: list[Place]) -> None:
        heads = {place: history.extent(subscription.context, place).head for place in places}
        while True:
            left = sum(heads[p] - min(self._position(subscription, p), heads[p]) for p in places)
            self.stdout.write(f"\r{left} events to go   ", ending="")
            self.stdout.flush()
            if not left:
                break
            time.sleep(0.5)
        self.stdout.write("")
