from django.db import models, transaction


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
