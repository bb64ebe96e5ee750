"""Finds the pages of what a story names, as far as it is hosted here and may be seen."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from carveout.admin.base import DATABASE, databases
from carveout.conf import get_settings
from carveout.events import event
from carveout.models import Delivery, LoggedEvent
from carveout.operations.story.tree import StoryNode, StoryTree
from carveout.operations.story.waterfall import Links
from carveout.subscriptions.subscription import registry

EVENT = "admin:carveout_loggedevent_change"
DELIVERY = "admin:carveout_delivery_change"
MAP = "admin:carveout_map_changelist"
SUBSCRIPTIONS = "admin:carveout_subscriptionrecord_changelist"


class StoryLinks:
    """Two statements for each database, however long the stories are."""

    def __init__(self, stories: Sequence[StoryTree], user: Any) -> None:
        ids = [each.event for story in stories for each in story.walk() if each.event]
        self.may_see_subscriptions = user.has_perm("carveout.view_subscriptionrecord")
        self.events: dict[str, str] = {}
        self.deliveries: dict[tuple[str, str], str] = {}
        for database in databases():
            self._find_events(ids, database)
            if user.has_perm("carveout.view_delivery"):
                self._find_deliveries(ids, database)

    def __call__(self, node: StoryNode) -> Links:
        if node.kind == "event":
            return Links(self.events.get(node.event, ""))
        if node.kind in ("subscription", "job"):
            delivery = self.deliveries.get((node.event, node.title), "")
            return Links(self._subscription(node.title), delivery)
        return Links()

    def map_of(self, story: StoryTree) -> str:
        """The map, with what follows from the story's first event if its type is known here."""
        type_ = story.title.partition(" ")[0]
        return f"{reverse(MAP)}?after={type_}" if type_ in event.registry else reverse(MAP)

    def _subscription(self, name: str) -> str:
        known = name in registry and get_settings().hosts(registry[name].context)
        return f"{reverse(SUBSCRIPTIONS)}#{name}" if known and self.may_see_subscriptions else ""

    def _find_events(self, ids: Sequence[str], database: str) -> None:
        rows = LoggedEvent.objects.using(database).filter(event_id__in=ids)
        for row, event_id in rows.values_list("pk", "event_id"):
            self.events[str(event_id)] = _page(EVENT, row, database)

    def _find_deliveries(self, ids: Sequence[str], database: str) -> None:
        rows = Delivery.objects.using(database).filter(event_id__in=ids)
        for row, event_id, name in rows.values_list("pk", "event_id", "subscription"):
            self.deliveries[str(event_id), name] = _page(DELIVERY, row, database)


def _page(name: str, row: int, database: str) -> str:
    of_list = urlencode({"_changelist_filters": urlencode({DATABASE: database})})
    return f"{reverse(name, args=[row])}?{of_list}"
