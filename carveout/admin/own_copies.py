"""Lists own copies."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from carveout.admin.base import DatabaseFilter, ReadOnlyAdmin
from carveout.admin.formatting import time_in
from carveout.models import CopyState
from carveout.operations import own_copies
from carveout.operations.age import age_s, in_words
from carveout.operations.own_copies import CopyStatus
from carveout.subscriptions.copies.filling import state_of

TIMES = (time_in("filled_at"), time_in("verified_at"))


@admin.register(CopyState)
class CopyStateAdmin(ReadOnlyAdmin):
    """Each own copy: its rows, what waits for it, and what comparing it found."""

    list_display = ("model", "source", "count", "waiting", "oldest", *TIMES, "differences")
    list_filter = (DatabaseFilter,)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if self.has_view_permission(request):
            for model in own_copies.hosted():
                state_of(model)  # the admin shows stored rows
            self._statuses = {each.name: each for each in own_copies.statuses()}
        return super().changelist_view(request, extra_context)

    def _status(self, row: CopyState) -> CopyStatus | None:
        return self._statuses.get(row.model)

    @admin.display(description="of")
    def source(self, row: CopyState) -> str:
        return each.model.copy_of if (each := self._status(row)) else "no longer declared"

    @admin.display(description="rows")
    def count(self, row: CopyState) -> str:
        return f"{each.rows:,}" if (each := self._status(row)) else ""

    @admin.display(description="events waiting")
    def waiting(self, row: CopyState) -> str:
        each = self._status(row)
        return "" if each is None or each.waiting is None else f"{each.waiting:,}"

    @admin.display(description="oldest waiting")
    def oldest(self, row: CopyState) -> str:
        each = self._status(row)
        return in_words(age_s(each.oldest)) if each and each.oldest else ""
