"""What three of the four styles write down; the fourth keeps a copy of the order itself."""

from decimal import Decimal

from django.db import models


class Entry(models.Model):
    """What one order is worth to its customer."""

    number = models.CharField(primary_key=True, max_length=16)
    customer_id = models.CharField(max_length=64, db_index=True)
    amount = models.DecimalField(max_digits=14, decimal_places=2, help_text="0: it was cancelled.")
    first_status = models.CharField(max_length=16, help_text="As the first handled event had it.")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.number}: {self.amount}"

    @classmethod
    def write(cls, number: str, customer_id: str, total: Decimal, status: str) -> None:
        """Store what an order is worth in this status."""
        amount = Decimal(0) if status == "cancelled" else total
        cls.objects.update_or_create(
            number=number,
            defaults={"amount": amount},
            create_defaults={
                "customer_id": customer_id,
                "amount": amount,
                "first_status": status,
            },
        )
