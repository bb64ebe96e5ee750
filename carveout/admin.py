"""The admin: the log, the cursors, and the deliveries with what can be done about them."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from carveout import delivery, map_admin  # noqa: F401 (registers the map)
from carveout.models import Cursor, Delivery, LoggedEvent, Partition


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows rows; only the kit's own processes change them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(LoggedEvent)
class LoggedEventAdmin(ReadOnlyAdmin):
    """The log."""

    list_display = ["type", "key", "context", "partition", "position", "time"]
    list_filter = ["context", "type", "partition"]
    search_fields = ["=key", "=event_id", "=correlation_id"]
    date_hierarchy = "time"
    ordering = ["-id"]
    show_full_result_count = False


@admin.register(Partition)
class PartitionAdmin(ReadOnlyAdmin):
    """The heads."""

    list_display = ["context", "number", "head", "log_id", "epoch"]
    list_filter = ["context"]


@admin.register(Cursor)
class CursorAdmin(ReadOnlyAdmin):
    """Where each subscription stands."""

    list_display = ["subscription", "context", "partition", "position", "moved_at"]
    list_filter = ["context", "subscription"]
    search_fields = ["subscription"]


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """What was not handled at once."""

    list_display = ["subscription", "key", "state", "attempts", "due_at", "error_type", "error"]
    list_filter = ["state", "subscription", "error_type"]
    search_fields = ["=key", "=event_id", "error"]
    date_hierarchy = "parked_at"
    ordering = ["-id"]
    actions = ["retry", "discard"]

    @admin.action(description="Retry now, with all attempts anew", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: "QuerySet[Delivery]") -> None:
        count = delivery.retry(queryset)
        self.log_each(request, queryset, "Retried.")
        self.message_user(request, f"{count} deliveries are tried again.", messages.SUCCESS)

    @admin.action(description="Discard: never handle these", permissions=["discard"])
    def discard(self, request: HttpRequest, queryset: "QuerySet[Delivery]") -> None:
        self.log_each(request, queryset, "Discarded.")
        count = delivery.discard(queryset)
        self.message_user(request, f"{count} deliveries are discarded.", messages.WARNING)

    def log_each(self, request: HttpRequest, queryset: "QuerySet[Delivery]", what: str) -> None:
        """Who did what is kept in the admin's own history."""
        for row in queryset:
            self.log_change(request, row, what)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("carveout.retry_delivery")

    def has_discard_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("carveout.discard_delivery")
