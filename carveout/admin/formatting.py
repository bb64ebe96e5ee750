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

from carveout.conf.time_zones import in_utc
from carveout.operations.age import age_s, in_words

NOTHING = "\N{EN DASH}"
TIME = '<time class="carveout-time" datetime="{}" title="{}">{}</time>'
STATES = ("waiting", "queued", "dead")
"""The states of deliveries that pages count."""


def in_a_word(state: str) -> str:
    """A delivery's state as pages name it."""
    return "recovering" if state == "trying" else state


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


def relative(moment: datetime | None) -> SafeString:
    """How long ago, or how long until then; the exact time on hover."""
    if moment is None:
        return SafeString(NOTHING)
    of_programs = in_utc(moment).isoformat()
    return format_html(TIME, of_programs, exact(moment), since(moment))


def in_full(moment: datetime | None) -> str:
    """The exact time, and how long ago or until then."""
    return f"{exact(moment)}, {since(moment)}" if moment else NOTHING


def time_in(field: str, shown: Callable[[Any], str] = relative) -> Any:
    """A column or field that shows one of a row's times."""

    @admin.display(description=field.replace("_", " "), ordering=field)
    def of_row(row: Any) -> str:
        return shown(getattr(row, field))

    of_row.__name__ = field
    return of_row


def since(moment: datetime | None) -> str:
    """How long ago, or how long until then; `NOTHING` if never."""
    if moment is None:
        return NOTHING
    seconds = (in_utc(timezone.now()) - in_utc(moment)).total_seconds()
    return f"in {in_words(-seconds)}" if seconds < 0 else f"{in_words(seconds)} ago"


def ago(moment: datetime | None) -> str:
    """How long ago; `NOTHING` if never."""
    return in_words(age_s(moment)) if moment else NOTHING


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def number(value: int | None) -> str:
    """With thousands separators; "unknown" if there is no value."""
    return "unknown" if value is None else f"{value:,}"
