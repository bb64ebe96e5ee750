"""Moments: the same time as this project's Django has it, and as one that travels."""

from datetime import UTC, datetime

from django.conf import settings
from django.utils import timezone


def native(time: datetime) -> datetime:
    """As the times of models are here: aware if USE_TZ is set, else naive in TIME_ZONE."""
    if timezone.is_aware(time) == settings.USE_TZ:
        return time
    return timezone.make_aware(time) if settings.USE_TZ else timezone.make_naive(time)


def in_utc(time: datetime) -> datetime:
    """Aware, for who may have another time zone. A naive time is one of TIME_ZONE."""
    known = time if timezone.is_aware(time) else timezone.make_aware(time)
    return known.astimezone(UTC)
