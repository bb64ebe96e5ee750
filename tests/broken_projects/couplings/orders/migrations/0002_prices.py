from django.db import migrations


def copy_prices(apps, schema_editor):
    apps.get_model("catalogue", "Product").objects.all()  # C
    apps.get_model("orders", "Order").objects.all()  # decoy


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]  # decoy
    run_before = [("reviews", "0001_initial")]  # C
    operations = [migrations.RunPython(copy_prices)]
