"""Puts the overview on the first page of Carveout's part of the admin."""

from typing import Any

from django import template

register = template.Library()


@register.simple_tag(takes_context=True)
def carveout_overview(context: template.RequestContext) -> dict[str, Any] | None:
    """What the account may see of the overview; None if nothing."""
    from carveout.admin import overview  # loaded here: workers load all tags, and no pages

    return overview.of(context["request"])


@register.simple_tag
def carveout_pages(app_list: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The pages of an account, those that are needed most first, and the internal ones apart."""
    from carveout.admin import overview

    return [part for app in app_list for part in overview.grouped(app)]
