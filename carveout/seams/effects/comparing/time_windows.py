"""Times at which the compared code ran: they differ each time, so all of them are "now"."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils import timezone

NOW, TODAY = "⟨now⟩", "⟨today⟩"
WIDENED_BY = timedelta(seconds=1)

_TIME = re.compile(
    r"(?<!\d)(?P<day>\d{4}-\d\d-\d\d)"
    r"(?:[T ](?P<time>\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?)?(?!\d)"
)


class TimeWindow(NamedTuple):
    """While code ran. Both times have a zone."""

    began_at: datetime
    ended_at: datetime


class Clock:
    """Replaces times in values that are inside any of the windows.

    The same value becomes the same on both sides: also if an event has the time of its call.
    """

    def __init__(self, windows: Iterable[TimeWindow]) -> None:
        self._windows = [
            (began - WIDENED_BY, ended + WIDENED_BY) for began, ended in map(tuple, windows)
        ]
        self._zones: tuple[tzinfo, ...] = (UTC, timezone.get_default_timezone())
        times = [time for window in self._windows for time in window]
        self._today = {
            str(time.astimezone(zone).date())
            for began, ended in self._windows
            for time in (began + WIDENED_BY, ended - WIDENED_BY)
            for zone in self._zones
        }
        self._days = tuple({str(day) for time in times for day in _days_around(time)})

    def normal(self, value: Any) -> Any:
        """A value of JSON with its times replaced. Lists and tuples become lists."""
        if isinstance(value, str):
            return self._text(value)
        if value is None or isinstance(value, int | Decimal):
            return value
        if isinstance(value, dict):
            return {str(name): self.normal(each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.normal(each) for each in value]
        return value

    def _text(self, text: str) -> str:
        for day in self._days:
            if day in text:
                return _TIME.sub(self._replaced, text)
        return text

    def _replaced(self, match: re.Match[str]) -> str:
        if match["time"] is None:
            return TODAY if match["day"] in self._today else match[0]
        for number, zone in enumerate(_zones_of(match, self._zones)):
            if self._is_now(match, zone):
                # A time that is now in one zone is not now in another.
                return (NOW if number == 0 else f"⟨now in {zone}⟩") + (match["zone"] or "")
        return match[0]

    def _is_now(self, match: re.Match[str], zone: tzinfo | None) -> bool:
        try:
            time = datetime.fromisoformat(f"{match['day']}T{match['time']}{match['zone'] or ''}")
            time = time if zone is None else time.replace(tzinfo=zone)
            last = time if match["time"].count(":") == 2 else time + timedelta(seconds=59)
            return any(began <= last and time <= ended for began, ended in self._windows)
        except (ValueError, OverflowError):  # it only looks like a time
            return False


def _zones_of(match: re.Match[str], zones: tuple[tzinfo, ...]) -> tuple[tzinfo | None, ...]:
    """SQLite has times without zone: UTC, or local ones if USE_TZ is False."""
    return (None,) if match["zone"] else zones


def _days_around(time: datetime) -> Iterator[date]:
    """The days that it is anywhere on Earth."""
    for days in (-1, 0, 1):
        yield (time.astimezone(UTC) + timedelta(days=days)).date()
