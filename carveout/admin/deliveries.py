"""Lists deliveries, and shows, retries, discards or edits them one by one."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from carveout.admin import delivery_edit, error_groups, stack
from carveout.admin import story as stories
from carveout.admin.base import DatabaseFilter, Declared, Typed, databases
from carveout.admin.delivery_actions import ActsOnDeliveries
from carveout.admin.formatting import (
    NOTHING,
    block,
    in_a_word,
    in_full,
    link,
    on_hover,
    pretty,
    relative,
    shortened,
    time_in,
)
from carveout.conf import get_settings
from carveout.deliveries.fingerprint import raised_in
from carveout.models import Delivery
from carveout.subscriptions import subscription

TIMES = [time_in(each, in_full) for each in ("due_at", "claimed_until", "parked_at")]


ERROR_LENGTH_MAX = 120
ERROR_LENGTH_ON_HOVER_MAX = 1000


class StateFilter(Declared):
    title, parameter_name = "state", "state__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(state, short_state(state)) for state in Delivery.State.values]


class SubscriptionFilter(Typed):
    title, parameter_name = "subscription", "subscription"

    @staticmethod
    def choices_of() -> list[str]:
        return [each.name for each in subscription.hosted(get_settings().hosted)]


class AlikeFilter(admin.SimpleListFilter):
    """Keeps the deliveries of one error group; the page of groups links here."""

    title, parameter_name = "error", "alike"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(self.value() or "", "only this group")] if self.value() else []

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        return queryset.filter(alike=self.value()) if self.value() else queryset


@admin.register(Delivery)
class DeliveryAdmin(ActsOnDeliveries):
    """Events that a subscription did not handle at once."""

    change_list_template = "carveout/admin/deliveries.html"
    change_form_template = "carveout/admin/delivery.html"
    list_display = ["subscription", "key", "state_word", "attempts", "failed_with", "due"]
    list_filter = [DatabaseFilter, StateFilter, SubscriptionFilter, AlikeFilter]
    search_fields = ["key", "event_id"]
    search_help_text = "A key, or the id of an event."
    ordering = ["-id"]
    list_per_page = 50
    actions = ["retry", "discard"]
    readonly_fields = [*TIMES, "event_in_log", "place", "raised", "event_text"]

    # -- What is shown --------------------------------------------------------------------------

    @admin.display(description="state", ordering="state")
    def state_word(self, row: Delivery) -> SafeString:
        return short_state(row.state)

    @admin.display(description="story")
    def story(self, row: Delivery) -> str:
        return stories.link(row)

    @admin.display(description="due at", ordering="due_at")
    def due(self, row: Delivery) -> SafeString:
        return SafeString(NOTHING) if row.state == Delivery.State.DEAD else relative(row.due_at)

    @admin.display(description="error", ordering="error_type")
    def failed_with(self, row: Delivery) -> SafeString:
        """This row's own error. The page of groups shows what several errors have in common."""
        name = row.error_type.rpartition(".")[2]
        line = next(iter(row.error.strip().splitlines()), "")
        short = shortened(": ".join(filter(None, (name, line))), ERROR_LENGTH_MAX) or NOTHING
        whole = ": ".join(filter(None, (row.error_type, row.error.strip())))
        return on_hover(short, shortened(whole, ERROR_LENGTH_ON_HOVER_MAX))

    @admin.display(description="event")
    def event_in_log(self, row: Delivery) -> SafeString:
        return link("carveout_loggedevent_changelist", str(row.event_id), q=str(row.event_id))

    @admin.display(description="position in the log")
    def place(self, row: Delivery) -> str:
        return f"{row.context}.{row.partition}, position {row.position}"

    @admin.display(description="raised in")
    def raised(self, row: Delivery) -> str:
        return raised_in(row.traceback) or NOTHING

    @admin.display(description="event as it was received")
    def event_text(self, row: Delivery) -> SafeString:
        return block(pretty(row.event))

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

    def get_fieldsets(self, request: HttpRequest, obj: Delivery | None = None) -> Any:
        """What is folded; the template shows above it what an operator needs first."""
        times = TIMES[1:] if obj and obj.state == Delivery.State.DEAD else TIMES
        fields = ["subscription", "key", "state", "attempts", *times]
        fields += ["event_in_log", "place", "error_type", "raised"]
        folded = {"classes": ["collapse"]}
        return [
            ("All fields", {"fields": fields, **folded}),
            ("Event as it was received", {"fields": ["event_text"], **folded}),
        ]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **options: Any
    ) -> HttpResponse:
        row = context["original"]
        context |= {f"may_{act}": self.may(request, act) for act in ("retry", "discard", "edit")}
        context |= {
            "story": stories.link(row),
            "state": short_state(row.state),
            "due": self.due(row),
            "raised_at": stack.own_frame(row.traceback),
            "own_stack": stack.own_part(row.traceback),
        }
        return super().render_change_form(request, context, *args, **options)

    # -- What can be done -----------------------------------------------------------------------

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self.refuse_forged(request)
        found = any(Delivery.objects.using(each).exists() for each in databases())
        more = {**(extra_context or {}), "nothing": not found}
        return super().changelist_view(request, more)

    @admin.action(description="Retry…", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: "QuerySet[Delivery]") -> HttpResponse | None:
        return self.act(request, "retry", queryset)

    @admin.action(description="Discard…", permissions=["discard"])
    def discard(self, request: HttpRequest, queryset: "QuerySet[Delivery]") -> HttpResponse | None:
        return self.act(request, "discard", queryset)

    def act(
        self, request: HttpRequest, act: str, queryset: "QuerySet[Delivery]"
    ) -> HttpResponse | None:
        """Asks for the reason, or acts if it was given. Ignores deliveries parked in between."""
        across = request.POST.get("select_across", "0")
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        hidden = [("select_across", across)]
        hidden += [
            (ACTION_CHECKBOX_NAME, each) for each in (chosen[:1] if across == "1" else chosen)
        ]
        return self.ask_or_act(request, act, [queryset], hidden)

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
        return error_groups.page(self, request)

    def live_view(self, request: HttpRequest) -> HttpResponse:
        return error_groups.live(self, request)

    def edit_view(self, request: HttpRequest, row_id: int) -> HttpResponse:
        return delivery_edit.page(self, request, row_id)


def short_state(state: str) -> SafeString:
    """The state in one word, and in a sentence on hover."""
    return on_hover(in_a_word(state), dict(Delivery.State.choices).get(state, state))
