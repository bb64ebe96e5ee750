from django.db import models, transaction


def leave_it_to_the_database(collector, field, rows, using):
    """What DB_CASCADE does in Django before 6.1, which has none."""


leave_it_to_the_database.__name__ = leave_it_to_the_database.__qualname__ = "DB_CASCADE"
DB_CASCADE = getattr(models, "DB_CASCADE", leave_it_to_the_database)


class Recorded(models.Model):
    """Every app's models inherit this save."""

    class Meta:
        abstract = True

    def save(self, *args, **kwargs):
        from audit.models import Entry

        with transaction.atomic():
            super().save(*args, **kwargs)
            Entry.objects.create(text=f"saved {self.pk}")


class Rows(models.QuerySet):
    """Every app's managers inherit these."""

    def of_suppliers_in(self, country):
        return self.filter(product__supplier__country=country)
