"""Converts times between this project's Django form and an aware form for other systems."""

from datetime import UTC, datetime

from django.conf import settings
from django.utils import timezone


def native(time: datetime) -> datetime:
    """The time as models have it here: aware if USE_TZ is set, else naive in TIME_ZONE."""
    if (time.tzinfo is not None) == settings.USE_TZ:  # `is_aware` takes ten times as long
        return time
    return timezone.make_aware(time) if settings.USE_TZ else timezone.make_naive(time)


def named(time: datetime) -> str:
    """The time in the current zone, with the zone's name."""
    return f"{timezone.localtime(in_utc(time)):%F %T %Z}"


def in_utc(time: datetime) -> datetime:
    """An aware time, for other time zones. A naive time is taken to be in TIME_ZONE."""
    known = time if timezone.is_aware(time) else timezone.make_aware(time)
    return known.astimezone(UTC)
