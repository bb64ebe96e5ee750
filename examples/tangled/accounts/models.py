"""Customers and staff, and what staff note down about whatever the shop has."""

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models


class Customer(AbstractUser):
    """Somebody with an account: customers buy, staff have `is_staff`."""

    @property
    def name(self) -> str:
        return self.get_full_name() or self.get_username()


class Note(models.Model):
    """A remark for colleagues, on an order or anything else."""

    content_type = models.ForeignKey(ContentType, on_delete=models.CASCADE)
    object_id = models.PositiveBigIntegerField()
    subject = GenericForeignKey("content_type", "object_id")
    text = models.TextField()
    written_at = models.DateTimeField(auto_now_add=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)

    class Meta:
        indexes = [models.Index(fields=["content_type", "object_id"], name="notes_of_subject")]

    def __str__(self) -> str:
        return self.text[:40]
