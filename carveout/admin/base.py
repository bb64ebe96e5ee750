"""Base classes for pages that show rows of one database; only the kit's processes change rows."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict

from carveout.conf import get_settings
from carveout.subscriptions.copies.row_admin import ChangesNothing

DATABASE = "database"


def databases() -> list[str]:
    """The databases that the hosted contexts use."""
    return get_settings().hosted_databases


def chosen_database(request: HttpRequest) -> str:
    """The database that the query names, or the first. A row's page uses that of its list."""
    of_list = QueryDict(request.GET.get("_changelist_filters", ""))
    chosen = request.GET.get(DATABASE) or of_list.get(DATABASE)
    known = databases()
    return chosen if chosen in known else known[0]


class Declared(admin.SimpleListFilter):
    """A filter whose choices come from declarations, so that it reads no table for them."""

    @staticmethod
    def choices_of() -> list[str]:
        return []

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(name, name) for name in self.choices_of()]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        return (
            queryset.filter(**{str(self.parameter_name): self.value()})
            if self.value()
            else queryset
        )


class Typed(Declared):
    """A filter by a name, or by a part of it, in a box that completes the declared names.

    Names that are no longer declared are found if they are typed as a whole.
    """

    template = "carveout/admin/typed_filter.html"

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        typed = (self.value() or "").strip()
        if not typed:
            return queryset
        declared = self.choices_of()
        found = [name for name in declared if typed.lower() in name.lower()]
        names = found if found and typed not in declared else [typed]
        return queryset.filter(**{f"{self.parameter_name}__in": names})

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        name = str(self.parameter_name)
        kept = {key: value for key, value in changelist.params.items() if key not in (name, "p")}
        yield {"value": self.value() or "", "names": self.choices_of(), "kept": kept}


class DatabaseFilter(admin.SimpleListFilter):
    """Which database is shown, where contexts have several."""

    title, parameter_name = "database", DATABASE

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        self.chosen = chosen_database(request)
        known = databases()
        return [(name, name) for name in known] if len(known) > 1 else []

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        return queryset  # the page's own, see ReadOnlyAdmin

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        for name, _ in self.lookup_choices:
            yield {
                "selected": name == self.chosen,
                "query_string": changelist.get_query_string({DATABASE: name}),
                "display": name,
            }


class ReadOnlyAdmin(ChangesNothing, admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows rows of the chosen database."""

    change_form_template = "carveout/admin/row.html"
    change_list_template = "carveout/admin/list.html"
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count whole tables

    class Media:
        css = {"all": ["carveout/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return super().get_queryset(request).using(chosen_database(request))
