from django.db import models

from core.models import DB_CASCADE


class Entry(models.Model):
    text = models.CharField(max_length=50)


class Note(models.Model):
    line = models.ForeignKey("sales.Line", DB_CASCADE)
