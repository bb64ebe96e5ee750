"""Customers who bought before there were badges get theirs."""

from django.db import migrations


def verify(apps, schema_editor):
    line_model = apps.get_model("orders", "OrderLine")
    verified_model = apps.get_model("reviews", "VerifiedCustomer")
    purchase_model = apps.get_model("reviews", "Purchase")
    for line in line_model.objects.exclude(order__status="cancelled").select_related("order"):
        verified, _ = verified_model.objects.get_or_create(
            customer_id=line.order.customer_id, product_id=line.product_id
        )
        purchase_model.objects.get_or_create(verified=verified, order_id=line.order_id)


class Migration(migrations.Migration):
    dependencies = [
        ("reviews", "0001_initial"),
        ("orders", "0001_initial"),
    ]

    operations = [migrations.RunPython(verify, migrations.RunPython.noop)]
