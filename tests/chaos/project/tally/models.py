"""What was heard, in one row."""

from django.db import models


class Tally(models.Model):
    """Entries are numbered 1, 2, 3 …: each that is not the next one is out of order."""

    handled = models.IntegerField(default=0)
    last = models.IntegerField(default=0)
    wrong = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.handled} handled, {self.wrong} out of order"
