"""Lists the stored heads and cursors."""

from django.contrib import admin

from carveout.admin.base import DatabaseFilter, ReadOnlyAdmin
from carveout.admin.formatting import time_in
from carveout.models import Cursor, Partition

TIMES = (time_in("moved_at"), time_in("paused_at"))


@admin.register(Partition)
class PartitionAdmin(ReadOnlyAdmin):
    """The head of each partition."""

    list_display = ["context", "number", "head", "log_id", "epoch"]
    list_filter = [DatabaseFilter, "context"]


@admin.register(Cursor)
class CursorAdmin(ReadOnlyAdmin):
    """The position of each subscription in each partition."""

    list_display = ["subscription", "context", "partition", "position", *TIMES]
    list_filter = [DatabaseFilter, "context"]
    search_fields = ["subscription"]
