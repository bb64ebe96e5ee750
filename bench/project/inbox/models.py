"""The inbox."""

from django.db import models


class Handled(models.Model):
    """An event that was handled; a second time is refused."""

    event_id = models.UUIDField(unique=True)

    def __str__(self) -> str:
        return str(self.event_id)
