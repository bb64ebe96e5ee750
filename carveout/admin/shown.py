"""How values are shown: JSON in lines, long texts folded, times as how long ago."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

NOTHING = "\N{EN DASH}"
STATES = ("waiting", "queued", "dead")
"""Of deliveries, as pages count them."""
SPANS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def pretty(text: str) -> str:
    """JSON in lines; what is no JSON as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def block(text: str) -> SafeString:
    return format_html('<pre class="carveout-text" tabindex="0">{}</pre>', text)


def folded(summary: str, text: str) -> SafeString:
    return format_html("<details><summary>{}</summary>{}</details>", summary, block(text))


def link(name: str, text: str, **query: str) -> SafeString:
    """A link to a page of the admin; `NOTHING` where there is no such page."""
    try:
        url = reverse(f"admin:{name}")
    except NoReverseMatch:
        return SafeString(NOTHING)
    return format_html('<a href="{}?{}">{}</a>', url, urlencode(query), text)


def local(moment: datetime) -> datetime:
    """In the current time zone; without USE_TZ each time is."""
    return timezone.localtime(moment) if timezone.is_aware(moment) else moment


def exact(moment: datetime | None) -> str:
    """In the zone that the page names; `NOTHING` if there is none."""
    if moment is None:
        return NOTHING
    return local(moment).replace(tzinfo=None).isoformat(" ", "milliseconds")


def time_in(field: str) -> Callable[[Any], str]:
    """A column, or a line, that shows a time of a row as `exact`."""

    @admin.display(description=field.replace("_", " "), ordering=field)
    def shown(row: Any) -> str:
        return exact(getattr(row, field))

    shown.__name__ = field
    return shown


def ago(moment: datetime | None) -> str:
    """How long ago, in its two largest units: "2 h 5 min"; `NOTHING` if never."""
    if moment is None:
        return NOTHING
    left = max(int((timezone.now() - moment).total_seconds()), 0)
    parts: list[str] = []
    for unit, seconds in SPANS:
        count, left = divmod(left, seconds)
        if count or (parts and len(parts) < 2):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def number(value: int | None) -> str:
    """With thousands apart; "unknown" if nobody could say."""
    return "unknown" if value is None else f"{value:,}"
