from django.db import migrations


class Migration(migrations.Migration):
    replaces = [("orders", "0002_prices"), ("catalogue", "0002_order")]  # C
    dependencies = [("orders", "0001_initial")]  # decoy
    operations = []
