"""Deliveries one by one: found, shown, retried, discarded, and retried with other data."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString

from carveout import failures, subscription
from carveout.admin import edit, groups, stories
from carveout.admin.confirm import Question, ask, reason_form, who
from carveout.admin.read_only import DatabaseFilter, Declared, ReadOnlyAdmin
from carveout.admin.shown import NOTHING, block, link, pretty, time_in
from carveout.conf import get_settings
from carveout.likeness import LINE_MAX, raised_in
from carveout.models import Delivery

QUESTIONS = {
    "retry": Question("Retry", [], "Retry", warning="Their attempt counter starts again at zero."),
    "discard": Question(
        "Discard", [], "Discard for good", warning="They are never handled.", danger=True
    ),
}
DUE_AT: Any = time_in("due_at")
TIMES: list[Any] = [DUE_AT, time_in("claimed_until"), time_in("parked_at")]


class SubscriptionFilter(Declared):
    title, parameter_name = "subscription", "subscription"

    @staticmethod
    def choices_of() -> list[str]:
        return [each.name for each in subscription.hosted(get_settings().hosted)]


class AlikeFilter(admin.SimpleListFilter):
    """Those of one group. Its choices are the page of groups."""

    title, parameter_name = "error", "alike"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(self.value() or "", "those of one group")] if self.value() else []

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        return queryset.filter(alike=self.value()) if self.value() else queryset


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """What was not handled at once."""

    change_list_template = "carveout/admin/deliveries.html"
    change_form_template = "carveout/admin/delivery.html"
    list_display = ["subscription", "key", "state_word", "attempts", "failed_with", DUE_AT]
    list_filter = [DatabaseFilter, "state", SubscriptionFilter, AlikeFilter]
    search_fields = ["key", "event_id"]
    search_help_text = "A key, or the id of an event."
    ordering = ["-id"]
    list_per_page = 50
    actions = ["retry", "discard"]
    fields = [
        *("subscription", "key", "state", "attempts", *TIMES),
        *("event_in_log", "story", "place"),
        *("error_type", "error_text", "raised", "event_text", "stack"),
    ]
    readonly_fields = [
        *TIMES,
        *("event_in_log", "story", "place", "error_text", "raised", "event_text", "stack"),
    ]

    # -- What is shown --------------------------------------------------------------------------

    @admin.display(description="state", ordering="state")
    def state_word(self, row: Delivery) -> str:
        return row.state

    @admin.display(description="story")
    def story(self, row: Delivery) -> str:
        return stories.link(row)

    @admin.display(description="error", ordering="error_type")
    def failed_with(self, row: Delivery) -> str:
        """This row's own error. What several have in common is on the page of groups."""
        name = row.error_type.rpartition(".")[2]
        line = next(iter(row.error.strip().splitlines()), "")[:LINE_MAX]
        return ": ".join(filter(None, (name, line))) or NOTHING

    @admin.display(description="event")
    def event_in_log(self, row: Delivery) -> SafeString:
        return link("carveout_loggedevent_changelist", str(row.event_id), q=str(row.event_id))

    @admin.display(description="place in the log")
    def place(self, row: Delivery) -> str:
        return f"{row.context}.{row.partition}, position {row.position}"

    @admin.display(description="error")
    def error_text(self, row: Delivery) -> SafeString:
        return block(row.error) if row.error else SafeString(NOTHING)

    @admin.display(description="raised in")
    def raised(self, row: Delivery) -> str:
        return raised_in(row.traceback) or NOTHING

    @admin.display(description="event as it was received")
    def event_text(self, row: Delivery) -> SafeString:
        return block(pretty(row.event))

    @admin.display(description="stack")
    def stack(self, row: Delivery) -> SafeString:
        return block(row.traceback) if row.traceback else SafeString(NOTHING)

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Any]", search_term: str
    ) -> tuple["QuerySet[Any]", bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            return queryset.filter(Q(event_id=term) | Q(key=term)), False
        except (ValueError, ValidationError):
            return queryset.filter(key=term), False

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        may = {f"may_{act}": self.may(request, act) for act in ("retry", "discard", "edit")}
        return super().changeform_view(
            request, object_id, form_url, {**(extra_context or {}), **may}
        )

    # -- What can be done -----------------------------------------------------------------------

    def may(self, request: HttpRequest, act: str) -> bool:
        """Each act has a permission of its own, and who acts has to see what they act on."""
        return self.has_view_permission(request) and request.user.has_perm(
            f"carveout.{act}_delivery"
        )

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "retry")

    def has_discard_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "discard")

    def refuse_forged(self, request: HttpRequest) -> None:
        """Raises: PermissionDenied: the page did not offer that act to this account."""
        for act in request.POST.getlist("action"):
            if act in failures.ACTS and not self.may(request, act):
                raise PermissionDenied

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self.refuse_forged(request)
        return super().changelist_view(request, extra_context)

    @admin.action(description="Retry…", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: "QuerySet[Delivery]") -> HttpResponse | None:
        return self.act(request, "retry", queryset)

    @admin.action(description="Discard…", permissions=["discard"])
    def discard(self, request: HttpRequest, queryset: "QuerySet[Delivery]") -> HttpResponse | None:
        return self.act(request, "discard", queryset)

    def act(
        self, request: HttpRequest, act: str, queryset: "QuerySet[Delivery]"
    ) -> HttpResponse | None:
        """Ask for the reason, or act if it was given. What is parked meanwhile is not meant."""
        across = request.POST.get("select_across", "0")
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        hidden = [("select_across", across)]
        hidden += [
            (ACTION_CHECKBOX_NAME, each) for each in (chosen[:1] if across == "1" else chosen)
        ]
        return self.ask_or_act(request, act, [queryset], hidden)

    def ask_or_act(
        self,
        request: HttpRequest,
        act: str,
        chosen: "list[QuerySet[Delivery]]",
        hidden: list[tuple[str, str]],
    ) -> HttpResponse | None:
        """hidden: the fields that choose the same rows once more."""
        until = _moment(request.POST.get("until", "")) or timezone.now()
        chosen = [rows.filter(parked_at__lte=until) for rows in chosen]
        form = reason_form(request)
        if form.is_valid():
            reason = form.cleaned_data["reason"]
            count = sum(failures.ACTS[act](rows, who(request), reason) for rows in chosen)
            done = "tried again" if act == "retry" else "discarded"
            message = f"{count} {'delivery is' if count == 1 else 'deliveries are'} {done}."
            self.message_user(request, message, messages.SUCCESS)
            return None
        lines, count = _told(chosen)
        text = QUESTIONS[act]
        question = Question(
            f"{text.title} {count} {'delivery' if count == 1 else 'deliveries'}?",
            lines,
            text.button,
            [("action", act), ("until", until.isoformat()), *hidden],
            text.warning,
            text.danger,
        )
        return ask(request, self.opts, question, form)

    # -- Further pages --------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("groups/", view(self.groups_view), name="carveout_delivery_groups"),
            path("groups/live/", view(self.live_view), name="carveout_delivery_live"),
            path("<int:row_id>/edit/", view(self.edit_view), name="carveout_delivery_edit"),
            *super().get_urls(),
        ]

    def groups_view(self, request: HttpRequest) -> HttpResponse:
        return groups.page(self, request)

    def live_view(self, request: HttpRequest) -> HttpResponse:
        return groups.live(self, request)

    def edit_view(self, request: HttpRequest, row_id: int) -> HttpResponse:
        return edit.page(self, request, row_id)


def _told(chosen: "list[QuerySet[Delivery]]") -> tuple[list[str], int]:
    """What is chosen, by subscription and state, and how many in all."""
    lines, total = [], 0
    for rows in chosen:
        counts = rows.exclude(state=Delivery.State.TRYING).order_by()
        by_state = counts.values("subscription", "state").annotate(count=Count("pk"))
        for row in by_state.order_by("subscription", "state"):
            total += row["count"]
            lines.append(f"{row['count']:,} of {row['subscription']}, {row['state']}")
    return lines, total


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
