"""manage.py rename OLD NEW"""

from typing import Any

from django.core.management.base import CommandParser

from carveout.conf import get_settings
from carveout.management.arguments import actor_of, add_audit, add_yes, declared, make_sure
from carveout.management.base import KitCommand
from carveout.management.redis_running import redis_running
from carveout.models import SubscriptionRecord
from carveout.operations import audit
from carveout.subscriptions import rename


class Command(KitCommand):
    """Renames a subscription, and keeps its cursors and deliveries.

    Run it with the code that declares the new name. Consumers may keep running.
    """

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("old")
        parser.add_argument("new")
        add_audit(parser)
        add_yes(parser)

    def handle(self, *args: Any, old: str, new: str, yes: bool, **options: Any) -> None:
        subscription = declared(new)
        refs = rename.check(old, subscription)
        lines = [f"  {ref}: at {at}" for ref, at in refs.items()]
        make_sure(self, "\n".join([f"{old} will continue as {new}:", *lines]), yes=yes)
        actor = actor_of(options)
        with redis_running():
            moved = rename.apply(old, subscription, refs)
        rows = SubscriptionRecord.objects.using(subscription.database).filter(subscription=new)
        audit.record(actor, "renamed", list(rows[:1]), options["reason"], f"{old} is now {new}.")
        self.stdout.write(f"{old} is now {new}, with {len(refs)} cursors and {moved} deliveries.")
        away = sorted({ref.context for ref in refs if not get_settings().hosts(ref.context)})
        if away:
            self.stdout.write(f"Run `manage.py forget {old}` where {', '.join(away)} is hosted.")
