"""Lists the log's events: fast at any length, because it searches a limited range of ids.

It counts nothing, sorts only by id, and takes the filters' choices from declarations.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from carveout.admin.base import Declared, Typed, chosen_database
from carveout.admin.formatting import local
from carveout.admin.handling import states_of
from carveout.conf import get_settings
from carveout.conf.time_zones import native
from carveout.eventlog import search as log_search
from carveout.eventlog.repartition import BARRIER
from carveout.events import event
from carveout.models import LoggedEvent

BACK = (("1h", "an hour ago", 3_600), ("1d", "a day ago", 86_400), ("7d", "a week ago", 604_800))


class ContextFilter(Declared):
    title, parameter_name = "context", "context"

    @staticmethod
    def choices_of() -> list[str]:
        return list(get_settings().hosted)


class TypeFilter(Typed):
    title, parameter_name = "type", "type"

    @staticmethod
    def choices_of() -> list[str]:
        ours = [name for name in event.registry if get_settings().hosts(name.split(".")[0])]
        return [*sorted(ours), BARRIER]


class TimeFilter(admin.SimpleListFilter):
    """Events up to a time, or from where the previous page ended (`before`, an id)."""

    title, parameter_name = "time", "until"
    template = "carveout/admin/time_filter.html"

    def __init__(self, request: HttpRequest, params: dict[str, Any], *args: Any) -> None:
        before = params.pop("before", [""])[-1]
        super().__init__(request, params, *args)
        self.time = moment(self.value() or "")
        self.last_id: int | None = int(before) if before.isdecimal() else None
        if self.last_id is None and self.time:
            self.last_id = log_search.id_at(chosen_database(request), self.time)

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(name, text) for name, text, _ in BACK]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        return queryset if self.last_id is None else queryset.filter(id__lte=self.last_id)

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        newest = changelist.get_query_string(remove=["until", "before"])
        yield {"selected": self.last_id is None, "query_string": newest, "display": "newest"}
        for name, text in self.lookup_choices:
            query = changelist.get_query_string({"until": name}, remove=["before"])
            yield {"selected": self.value() == name, "query_string": query, "display": text}
        shown = local(self.time).strftime("%Y-%m-%dT%H:%M") if self.time else ""
        kept = {k: v for k, v in changelist.params.items() if k not in ("until", "before")}
        yield {"form": True, "value": shown, "kept": kept}


class CorrelationFilter(admin.SimpleListFilter):
    """One event and the events that it led to."""

    title, parameter_name = "correlation", "correlation"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(self.value() or "", "one event and what followed")] if self.value() else []

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        value = self.value()
        if not value:
            return queryset
        return queryset.filter(Q(correlation_id=value) | Q(event_id=as_uuid(value)))


class Search(NamedTuple):
    """What was typed into the search box: a key, an event's id, a type, or a time."""

    kind: str
    value: Any

    @property
    def has_index(self) -> bool:
        return self.kind in ("key", "event_id")


def search(term: str, database: str) -> Search | None:
    """What a search term means. An existing key takes precedence."""
    term = term.strip()
    if not term:
        return None
    if LoggedEvent.objects.using(database).filter(key=term).exists():
        return Search("key", term)
    if event_id := as_uuid(term):
        return Search("event_id", event_id)
    types = [name for name in TypeFilter.choices_of() if term in (name, name.partition(".")[2])]
    if types:
        return Search("type__in", types)
    time = moment(term)
    return Search("id__lte", log_search.id_at(database, time)) if time else Search("key", term)


def as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def moment(text: str) -> datetime | None:
    """Parses a time, or a name in `BACK`; None if it is neither."""
    for name, _, seconds in BACK:
        if text == name:
            return timezone.now() - timedelta(seconds=seconds)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return native(found)


class LogList(ChangeList):
    """A page of the log, newest first, with a link to older events."""

    older: str | None = None
    """The query string of the next page, if there may be one."""
    looked_from: datetime | None = None
    """How far back the page searched, if it did not search the whole log."""

    def get_ordering(self, request: HttpRequest, queryset: "QuerySet[Any]") -> list[Any]:
        return ["-id"]

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> "QuerySet[Any]":
        """The rows that match the filters and the search term."""
        rows = super().get_queryset(request, exclude_parameters)
        self.wanted = search(self.query, self.root_queryset.db)
        return rows.filter(**{self.wanted.kind: self.wanted.value}) if self.wanted else rows

    def get_results(self, request: HttpRequest) -> None:
        database = self.root_queryset.db
        self.first_id, self.last_id = log_search.first_and_last_id(database)
        rows, floor = self.queryset, self.first_id - 1
        if not self._has_index():
            floor, top = self._stretch(database)
            rows = rows.filter(id__gt=floor, id__lte=top)
        page = list(rows[: self.list_per_page + 1])
        self._show(page[: self.list_per_page])
        if len(page) > self.list_per_page:
            self.older = self.get_query_string({"before": page[-1].pk})
        elif floor >= self.first_id:
            self.older = self.get_query_string({"before": floor})
            self.looked_from = log_search.time_at(database, floor)

    def _has_index(self) -> bool:
        return "correlation" in self.params or (self.wanted is not None and self.wanted.has_index)

    def _stretch(self, database: str) -> tuple[int, int]:
        """The range of ids to search: after the first, up to the second."""
        tops = [each.last_id for each in self.filter_specs if isinstance(each, TimeFilter)]
        if self.wanted and self.wanted.kind == "id__lte":
            tops.append(self.wanted.value)
        top = min([self.last_id, *(each for each in tops if each is not None)])
        return max(top - log_search.SCAN_WINDOW, self.first_id - 1), top

    def _show(self, page: list[Any]) -> None:
        """Sets the attributes that Django's list templates read."""
        states = states_of(page)
        for row in page:
            row.states = states[row.event_id]
        self.result_list, self.result_count = page, len(page)
        self.full_result_count, self.show_full_result_count = len(page), False
        self.show_admin_actions = self.can_show_all = self.multi_page = False
        self.paginator = Paginator(page, self.list_per_page)
