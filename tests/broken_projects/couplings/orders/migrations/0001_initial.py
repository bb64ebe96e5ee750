from django.conf import settings
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("catalogue", "0001_initial"),  # C
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),  # C
    ]
    operations = []
