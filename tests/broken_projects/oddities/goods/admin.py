from django.contrib import admin


class Rates:
    """No model: it only looks like one, to have a page of its own."""

    class _meta:
        app_label = "goods"
        model_name = "rates"
        object_name = "Rates"
        verbose_name_plural = "rates"
        abstract = False
        swapped = False
        is_composite_pk = False


class RatesAdmin(admin.ModelAdmin):
    list_filter = ["desk__name"]  # decoy


admin.site.register([Rates], RatesAdmin)
