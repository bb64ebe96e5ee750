"""Puts the overview on the first page of Carveout's part of the admin."""

from typing import Any

from django import template

register = template.Library()


@register.simple_tag(takes_context=True)
def carveout_overview(context: template.RequestContext) -> dict[str, Any] | None:
    """What the account may see of the overview; None if nothing."""
    from carveout.admin import overview  # loaded here: workers load all tags, and no pages

    return overview.of(context["request"])
