"""The internal REST API of lookups."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from carveout.conf import get_settings
from carveout.lookups.pinned_views import uncached
from carveout.lookups.provider import providers


@login_not_required  # the lookup's own view checks permissions
def lookup_view(request: HttpRequest, owner: str, lookup: str) -> HttpResponseBase:
    """Answers with the lookup of that name, if a context hosted here offers it."""
    view = providers.get(f"{owner}.{lookup}")
    if view is None or not get_settings().hosts(owner):
        # Caches may keep Django's 404, and the next release may offer the lookup.
        text = f"no lookup {owner}.{lookup} here"
        unknown = HttpResponse(text, status=404, content_type="text/plain")
        uncached(unknown)
        return unknown
    answer: HttpResponseBase = view.as_view({"get": "list"})(request)
    return answer
