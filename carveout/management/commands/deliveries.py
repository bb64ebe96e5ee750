"""manage.py deliveries [list|retry|discard]"""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import Count, Max, Min, QuerySet
from django.utils import timezone

from carveout.conf import get_settings
from carveout.management.arguments import actor_of, add_audit, add_yes, make_sure
from carveout.management.base import KitCommand
from carveout.models import Delivery
from carveout.operations import failed_deliveries


class Command(KitCommand):
    """Lists, retries or discards deliveries: events that were not handled at once."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "action", nargs="?", default="list", choices=["list", "retry", "discard"]
        )
        parser.add_argument("ids", nargs="*", type=int, metavar="ID")
        parser.add_argument("--subscription", help="only this subscription's")
        parser.add_argument("--error", help="only with this error type")
        parser.add_argument("--state", choices=Delivery.State.values)
        parser.add_argument("--all", action="store_true", help="retry or discard every one")
        add_audit(parser)
        add_yes(parser)

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        if action == "list":
            self._list(options)
            return
        chosen_by = [options[name] for name in ("ids", "subscription", "error", "state", "all")]
        if not any(chosen_by):
            raise CommandError(
                "Choose deliveries: by id, --subscription, --error, --state or --all."
            )
        # Ignore deliveries parked after this point, so that a growing group still terminates.
        until = timezone.now()
        groups = [rows.filter(parked_at__lte=until) for rows in self._chosen(options)]
        count = sum(rows.count() for rows in groups)
        what = "retried" if action == "retry" else "discarded and never handled"
        make_sure(self, f"{count} deliveries will be {what}.", yes=options["yes"])
        by, act = actor_of(options), failed_deliveries.ACTIONS[action]
        self.stdout.write(f"{sum(act(rows, by, options['reason']) for rows in groups)} done.")

    def _chosen(self, options: dict[str, Any]) -> "list[QuerySet[Delivery]]":
        filters = {
            "pk__in": options["ids"],
            "subscription": options["subscription"],
            "error_type": options["error"],
            "state": options["state"],
        }
        given = {name: value for name, value in filters.items() if value}
        databases = get_settings().hosted_databases
        return [Delivery.objects.using(database).filter(**given) for database in databases]

    def _list(self, options: dict[str, Any]) -> None:
        found = False
        for rows in self._chosen(options):
            groups = rows.values("subscription", "state", "error_type").annotate(
                count=Count("pk"), first=Min("parked_at"), last=Max("parked_at"), example=Max("pk")
            )
            for group in groups.order_by("-count"):
                found = True
                self.stdout.write(
                    "{count:6}  {state:8} {subscription}  {error_type}  since {first:%F %T},"
                    " last {last:%F %T}, e.g. id {example}".format(**group)
                )
        if not found:
            self.stdout.write("No deliveries: every event was handled at once.")
