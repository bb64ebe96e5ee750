"""manage.py unheard SUBSCRIPTION"""

from typing import Any

from django.core.management.base import CommandParser

from carveout.deliveries import unheard
from carveout.management.arguments import actor_of, add_audit, add_yes, declared, make_sure
from carveout.management.base import KitCommand
from carveout.models import SubscriptionRecord
from carveout.operations import audit
from carveout.subscriptions.subscription import Subscription


class Command(KitCommand):
    """Shows events that passed a subscription unhandled, and those that it keeps for others."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("subscription")
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument(
            "--deliver", action="store_true", help="turn the events that passed into deliveries"
        )
        choice.add_argument(
            "--accept",
            action="store_true",
            help="skip the events that passed, and drop types that are not declared here",
        )
        add_audit(parser)
        add_yes(parser)

    def handle(self, *args: Any, deliver: bool, accept: bool, **options: Any) -> None:
        subscription = declared(options["subscription"])
        lines = self._lines(subscription)
        if not (deliver or accept):
            self.stdout.write("\n".join(lines) or f"{subscription.name} missed no event.")
            return
        what = "These events will be delivered:" if deliver else "These will be skipped for good:"
        if deliver:
            lines += [f"  {each}" for each in unheard.pruned(subscription)]
        make_sure(self, "\n".join([what, *lines]), yes=options["yes"])
        actor = actor_of(options)
        if deliver:
            done = f"{sum(unheard.deliver(subscription))} deliveries are waiting for their handler."
        else:
            done = f"{unheard.accept(subscription)} deliveries were discarded."
        rows = SubscriptionRecord.objects.using(subscription.database)
        row = rows.filter(subscription=subscription.name)[:1]
        did = "delivered missed events of" if deliver else "accepted missed events of"
        audit.record(actor, did, list(row), options["reason"], "\n".join(lines))
        self.stdout.write(done)

    def _lines(self, subscription: Subscription) -> list[str]:
        lines = [f"  {each} passed" for each in unheard.passed(subscription)]
        if types := unheard.unknown(subscription):
            kept = len(unheard.kept(subscription))
            lines.append(f"  types not declared here: {', '.join(types)}; {kept} deliveries kept")
        return lines
