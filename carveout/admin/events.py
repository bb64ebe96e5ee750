"""Finds events in the log by key, id, type or time, and shows their data, cause and story."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from carveout.admin import handling
from carveout.admin import story as stories
from carveout.admin.base import DatabaseFilter, ReadOnlyAdmin
from carveout.admin.event_changelist import (
    ContextFilter,
    CorrelationFilter,
    LogList,
    TimeFilter,
    TypeFilter,
)
from carveout.admin.formatting import NOTHING, block, folded, in_full, link, pretty, time_in
from carveout.models import LoggedEvent

PAGE = "carveout_loggedevent_changelist"
TIME, TIME_IN_FULL = time_in("time"), time_in("time", in_full)


@admin.register(LoggedEvent)
class LoggedEventAdmin(ReadOnlyAdmin):
    """Stays fast however long the log is; see `event_changelist`."""

    change_list_template = "carveout/admin/log.html"
    list_display = ["type", "key", TIME, "subscriptions", "story"]
    list_filter = [DatabaseFilter, ContextFilter, TypeFilter, TimeFilter, CorrelationFilter]
    search_fields = ["key", "event_id", "type", "time"]
    search_help_text = "A key, the id of an event, a type, or a time such as 2026-01-31T12:00."
    sortable_by = ()
    list_per_page = 50
    fields = [
        *("type", "key", "context", "partition", "position", TIME_IN_FULL, "event_id"),
        *("data_text", "carries", "carried_text", "story", "cause", "correlated", "traceparent"),
    ]
    readonly_fields = [TIME_IN_FULL, "data_text", "carried_text", "story", "cause", "correlated"]

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[LogList]:
        return LogList

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Any]", search_term: str
    ) -> tuple["QuerySet[Any]", bool]:
        return queryset, False  # LogList searches

    @admin.display(description="subscriptions here")
    def subscriptions(self, row: Any) -> SafeString:
        return handling.shown(row.states)

    @admin.display(description="data")
    def data_text(self, row: LoggedEvent) -> SafeString:
        return block(pretty(row.data))

    @admin.display(description="carried")
    def carried_text(self, row: LoggedEvent) -> SafeString:
        if not row.carried:
            return SafeString(NOTHING)
        return folded(f"{row.carries}, {len(row.carried):,} characters", pretty(row.carried))

    @admin.display(description="story")
    def story(self, row: LoggedEvent) -> str:
        return stories.link(row)

    @admin.display(description="cause")
    def cause(self, row: LoggedEvent) -> SafeString:
        if not row.causation_id:
            return SafeString("none: no event caused it")
        return link(PAGE, row.causation_id, q=row.causation_id)

    @admin.display(description="correlated")
    def correlated(self, row: LoggedEvent) -> SafeString:
        first = row.correlation_id or str(row.event_id)
        return link(PAGE, "all events of its story in this log", correlation=first)
