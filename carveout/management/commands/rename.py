"""manage.py rename OLD NEW"""

from typing import Any

from django.core.management.base import CommandParser

from carveout import audit, rename
from carveout.conf import get_settings
from carveout.management.asking import add_audit, add_yes, make_sure, who
from carveout.management.command import KitCommand
from carveout.management.declared import declared
from carveout.management.redis import redis_running
from carveout.models import SubscriptionRecord


class Command(KitCommand):
    """Lets a subscription go on under another name, with its cursors and deliveries.

    Run it with the code that declares the new name. Consumers may run.
    """

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("old")
        parser.add_argument("new")
        add_audit(parser)
        add_yes(parser)

    def handle(self, *args: Any, old: str, new: str, yes: bool, **options: Any) -> None:
        subscription = declared(new)
        places = rename.check(old, subscription)
        lines = [f"  {context}.{number}: at {at}" for (context, number), at in places.items()]
        make_sure(self, "\n".join([f"{old} goes on as {new}:", *lines]), yes=yes)
        actor = who(options)
        with redis_running():
            moved = rename.carry_out(old, subscription, places)
        rows = SubscriptionRecord.objects.using(subscription.database).filter(subscription=new)
        audit.record(actor, "renamed", list(rows[:1]), options["reason"], f"{old} is {new} now.")
        self.stdout.write(f"{old} is {new} now, with {len(places)} cursors, {moved} deliveries.")
        away = sorted({each for each, _ in places if not get_settings().hosts(each)})
        if away:
            self.stdout.write(f"Run `manage.py forget {old}` where {', '.join(away)} is hosted.")
