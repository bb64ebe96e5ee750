from django.db import migrations


def look(apps, schema_editor):
    list(apps.get_model("goods", "Product").objects.filter(supplier__country="DE"))


class Migration(migrations.Migration):
    dependencies = [("goods", "0001_initial")]
    operations = [migrations.RunPython(look)]
