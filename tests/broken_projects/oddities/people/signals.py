"""Only passes a signal of Django on."""

from django.db.models.signals import post_save  # noqa: F401
