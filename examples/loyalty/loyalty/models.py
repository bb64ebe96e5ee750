from django.db import models


class Points(models.Model):
    """What an order is worth to its customer."""

    order_number = models.CharField(max_length=32, unique=True)
    customer_id = models.CharField(max_length=64, db_index=True)
    points = models.PositiveIntegerField(help_text="One for each dollar; 0 if it was cancelled.")

    def __str__(self) -> str:
        return f"{self.points} for {self.order_number}"
