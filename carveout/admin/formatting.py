"""Formats values for the admin: indented JSON, folded texts, exact and relative times."""

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

from carveout.operations.age import age_s, in_words

NOTHING = "\N{EN DASH}"
STATES = ("waiting", "queued", "dead")
"""The states of deliveries that pages count."""


def pretty(text: str) -> str:
    """Indents JSON; leaves other text as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def block(text: str) -> SafeString:
    return format_html('<pre class="carveout-text" tabindex="0">{}</pre>', text)


def folded(summary: str, text: str) -> SafeString:
    return format_html("<details><summary>{}</summary>{}</details>", summary, block(text))


def on_hover(text: str, more: str) -> SafeString:
    return format_html('<span title="{}">{}</span>', more, text)


def shortened(text: str, length_max: int) -> str:
    return text if len(text) <= length_max else f"{text[: length_max - 1].rstrip()}…"


def link(name: str, text: str, **query: str) -> SafeString:
    """A link to a page of the admin; `NOTHING` where there is no such page."""
    try:
        url = reverse(f"admin:{name}")
    except NoReverseMatch:
        return SafeString(NOTHING)
    return format_html('<a href="{}?{}">{}</a>', url, urlencode(query), text)


def local(moment: datetime) -> datetime:
    """Converts to the current time zone; without USE_TZ, every time is in it already."""
    return timezone.localtime(moment) if timezone.is_aware(moment) else moment


def exact(moment: datetime | None) -> str:
    """The time in the zone that the page names; `NOTHING` if there is no time."""
    if moment is None:
        return NOTHING
    return local(moment).replace(tzinfo=None).isoformat(" ", "milliseconds")


def time_in(field: str) -> Callable[[Any], str]:
    """A column or field that shows one of a row's times as `exact` does."""

    @admin.display(description=field.replace("_", " "), ordering=field)
    def shown(row: Any) -> str:
        return exact(getattr(row, field))

    shown.__name__ = field
    return shown


def ago(moment: datetime | None) -> str:
    """How long ago; `NOTHING` if never."""
    return in_words(age_s(moment)) if moment else NOTHING


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def number(value: int | None) -> str:
    """With thousands separators; "unknown" if there is no value."""
    return "unknown" if value is None else f"{value:,}"
