"""Heads and cursors as they are stored."""

from django.contrib import admin

from carveout.admin.read_only import DatabaseFilter, ReadOnlyAdmin
from carveout.models import Cursor, Partition


@admin.register(Partition)
class PartitionAdmin(ReadOnlyAdmin):
    """The heads."""

    list_display = ["context", "number", "head", "log_id", "epoch"]
    list_filter = [DatabaseFilter, "context"]


@admin.register(Cursor)
class CursorAdmin(ReadOnlyAdmin):
    """Where each subscription stands in each partition."""

    list_display = ["subscription", "context", "partition", "position", "moved_at", "paused_at"]
    list_filter = [DatabaseFilter, "context"]
    search_fields = ["subscription"]
