"""Effects: the one row that every handler and every peer stores for an event."""

import time
import uuid
from typing import Any

from django.db import models


class EffectRow(models.Model):
    """What was heard, and when its handler began."""

    event_id = models.UUIDField()
    key = models.CharField(max_length=255)
    number = models.IntegerField()
    started_at = models.FloatField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.key} {self.number}"


def values(event_id: uuid.UUID, key: str, number: int) -> dict[str, Any]:
    return {"event_id": event_id, "key": key, "number": number, "started_at": time.time()}
