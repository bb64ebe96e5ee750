"""Shows stories in the admin."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from carveout.admin.story_links import StoryLinks
from carveout.conf import get_settings
from carveout.models import Attempt, Delivery, LoggedEvent, Story
from carveout.operations.story import listing, tree
from carveout.operations.story.text import headline
from carveout.operations.story.tree import StoryTree
from carveout.operations.story.waterfall import Waterfall

REFRESH_S = 3
QUERY_MAX = 255


@admin.display(description="story")
def link(row: LoggedEvent | Delivery | Attempt) -> str:
    """A column of other pages: links to the story of a row's event."""
    page = reverse("admin:carveout_story_changelist")
    return format_html('<a href="{}?q={}">story</a>', page, row.event_id)


@admin.register(Story)
class StoryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows a page in place of a list; stories have no table."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("carveout.view_loggedevent")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Finds `?q=`, an event's id, key or correlation id; `&still=1` turns refreshing off.

        Without a query it lists stories, those of `?list=`.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        query = request.GET.get("q", "").strip()[:QUERY_MAX]
        found = tree.find(query) if query else None
        stories = found.stories if found else []
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Story of {query}" if query else "Stories",
            "query": query,
            "list": None if query else _listed(request.GET.get("list", "")),
            "found": found,
            "waterfalls": _waterfalls(stories, request.user),
            "moving": any(each.moving for each in stories),
            "still": "still" in request.GET,
            "refresh_s": REFRESH_S,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "carveout/story.html", context)


LISTS = {
    "newest": (
        "Newest",
        listing.newest,
        f"The stories of the newest events, at most {listing.SHOWN}.",
    ),
    "slowest": (
        "Slowest",
        listing.slowest,
        f"The slowest of the stories of the newest {listing.EVENTS} events.",
    ),
    "failed": (
        "Failed",
        listing.failed,
        f"Stories with a dead delivery, those of the last {listing.DELIVERIES} to die:"
        " each waits until a person retries or discards it.",
    ),
    "under-way": (
        "Under way",
        listing.under_way,
        f"Stories with something that waits, of the newest {listing.EVENTS} events and of"
        f" {listing.DELIVERIES} deliveries in each state.",
    ),
}


def _listed(name: str) -> dict[str, Any]:
    """What the page shows of a list; of the first one if there is no such list."""
    chosen = name if name in LISTS else next(iter(LISTS))
    _, stories, text = LISTS[chosen]
    settings = get_settings()
    return {
        "tabs": [(each, title, each == chosen) for each, (title, *_) in LISTS.items()],
        "text": text,
        "elsewhere": sorted(set(settings.contexts) - set(settings.hosted)),
        "rows": [(each, headline(each), listing.held_up_at(each)) for each in stories()],
    }


def _waterfalls(stories: Sequence[StoryTree], user: Any) -> list[tuple[Waterfall, str]]:
    """Each story as it is shown, and the map with what its first event leads to."""
    links = StoryLinks(stories, user)
    return [(Waterfall(each, links), links.map_of(each)) for each in stories]
