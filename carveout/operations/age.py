"""Tells how long ago something was, for pages, metrics and the doctor alike."""

from datetime import datetime

from django.utils import timezone

UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def age_s(moment: datetime | None) -> float:
    """How many seconds ago that was; 0 for None, and for a time that is yet to come."""
    return max((timezone.now() - moment).total_seconds(), 0.0) if moment else 0.0


def in_words(seconds: float) -> str:
    """A duration in its two largest units: "2 h 5 min"."""
    left = max(int(seconds), 0)
    parts: list[str] = []
    for unit, length in UNITS:
        count, left = divmod(left, length)
        if count or (parts and len(parts) < 2):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
