from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("carveout", "0003_cursor_heard"),
    ]

    operations = [
        migrations.RemoveField(
            model_name="loggedevent",
            name="slot",
        ),
    ]
