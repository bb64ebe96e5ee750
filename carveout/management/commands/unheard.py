"""manage.py unheard SUBSCRIPTION"""

from typing import Any

from django.core.management.base import CommandParser

from carveout import audit, unheard
from carveout.management.asking import add_audit, add_yes, make_sure, who
from carveout.management.command import KitCommand
from carveout.management.declared import declared
from carveout.models import SubscriptionRecord
from carveout.subscription import Subscription


class Command(KitCommand):
    """Shows what passed a subscription before it heard the type, and what it keeps for others."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("subscription")
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--deliver", action="store_true", help="make deliveries of what passed")
        choice.add_argument(
            "--accept",
            action="store_true",
            help="leave out what passed, and drop types that are not declared here",
        )
        add_audit(parser)
        add_yes(parser)

    def handle(self, *args: Any, deliver: bool, accept: bool, **options: Any) -> None:
        subscription = declared(options["subscription"])
        lines = self._lines(subscription)
        if not (deliver or accept):
            self.stdout.write("\n".join(lines) or f"{subscription.name} heard everything.")
            return
        what = "What passed is delivered:" if deliver else "This is left out for good:"
        if deliver:
            lines += [f"  {each}" for each in unheard.pruned(subscription)]
        make_sure(self, "\n".join([what, *lines]), yes=options["yes"])
        actor = who(options)
        if deliver:
            done = f"{sum(unheard.deliver(subscription))} deliveries wait for their handler."
        else:
            done = f"{unheard.accept(subscription)} deliveries are discarded."
        rows = SubscriptionRecord.objects.using(subscription.database)
        row = rows.filter(subscription=subscription.name)[:1]
        did = "delivered the unheard of" if deliver else "accepted the unheard of"
        audit.record(actor, did, list(row), options["reason"], "\n".join(lines))
        self.stdout.write(done)

    def _lines(self, subscription: Subscription) -> list[str]:
        lines = [f"  {each} passed" for each in unheard.passed(subscription)]
        if types := unheard.unknown(subscription):
            kept = len(unheard.kept(subscription))
            lines.append(f"  not heard here: {', '.join(types)}; {kept} deliveries kept")
        return lines
