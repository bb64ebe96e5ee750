"""What handlers leave behind."""

from decimal import Decimal

from django.db import models

import carveout


class Note(models.Model):
    """One effect of one handler."""

    text = models.CharField(max_length=200)

    class Meta:
        app_label = "kit_desk"

    def __str__(self) -> str:
        return self.text


class Hold(models.Model):
    """A place that is kept for a ticket of another context."""

    ticket_number = models.CharField(max_length=32, null=True, default="none")  # noqa: DJ001

    class Meta:
        app_label = "kit_desk"

    def __str__(self) -> str:
        return f"{self.ticket_number}"


class Ticket(
    carveout.Copy,
    of="tickets.ticket",
    key="number",
    on=["tickets.TicketSold", "tickets.TicketMoved", "tickets.TicketReturned"],
):
    """What desk keeps of tickets."""

    number = models.CharField(max_length=32, primary_key=True)
    title = models.CharField(max_length=40)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=Decimal(0))

    class Meta:
        app_label = "kit_desk"

    def __str__(self) -> str:
        return self.title


def note(text: object) -> None:
    Note.objects.using("kit").create(text=str(text))


def notes() -> list[str]:
    """All effects, in the order in which they happened."""
    return list(Note.objects.using("kit").order_by("id").values_list("text", flat=True))
