from django.db import models

import carveout


class Entry(
    carveout.Copy,
    of="orders.order",
    key="number",
    on=["orders.OrderCreated", "orders.OrderCancelled"],
):
    """What this context keeps of the orders."""

    number = models.CharField(primary_key=True, max_length=16)
    customer_id = models.CharField(max_length=64, db_index=True)
    status = models.CharField(max_length=16)
    total = models.DecimalField(max_digits=14, decimal_places=2)
