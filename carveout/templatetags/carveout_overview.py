"""Puts the overview on the first page of Carveout's part of the admin."""

from typing import Any

from django import template

from carveout.admin import overview

register = template.Library()


@register.simple_tag(takes_context=True)
def carveout_overview(context: template.RequestContext) -> dict[str, Any] | None:
    """What the account may see of the overview; None if nothing."""
    return overview.of(context["request"])
