from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("catalogue", "0001_initial"), ("orders", "0001_initial")]  # C # danger
    operations = []
