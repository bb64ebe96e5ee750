"""Shows each subscription's lag and deliveries; pauses, resumes and replays subscriptions."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode

from carveout.admin import replay
from carveout.admin.base import ReadOnlyAdmin
from carveout.admin.confirmation import Question, actor_of, ask, reason_form
from carveout.admin.formatting import NOTHING, STATES, ago, counted, number
from carveout.conf import get_settings
from carveout.eventlog import reader
from carveout.models import Partition, SubscriptionRecord
from carveout.operations import audit
from carveout.operations.age import age_s
from carveout.subscriptions import cursors, status
from carveout.subscriptions.status import PartitionStatus, SubscriptionStatus
from carveout.subscriptions.subscription import Subscription, registry

PERMISSIONS = {"pause": "pause", "resume": "pause", "replay": "replay"}
TEXTS = {
    "pause": (
        "Pause",
        "They handle nothing until they are resumed: no batch, no retry, no job. Their cursors"
        " and deliveries stay, and other subscriptions continue.",
    ),
    "resume": ("Resume", "They continue from their cursors; nothing was lost."),
}


@admin.register(SubscriptionRecord)
class SubscriptionAdmin(ReadOnlyAdmin):
    """Shows a row for each subscription of the contexts hosted here."""

    def may(self, request: HttpRequest, act: str) -> bool:
        allowed = request.user.has_perm(f"carveout.{PERMISSIONS[act]}_subscription")
        return allowed and self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("live/", view(self.live_view), name="carveout_subscription_live"),
            path("<str:name>/replay/", view(self.replay_view), name="carveout_subscription_replay"),
            *super().get_urls(),
        ]

    # -- The page -------------------------------------------------------------------------------

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return self.act(request)
        statuses = status.statuses(get_settings().hosted)
        context = {
            **self.admin_site.each_context(request),
            "title": "Subscriptions",
            "opts": self.opts,
            "media": self.media,
            "stopped": [_stopped(each) for each in reader.stopped(get_settings().hosted)],
            "rows": "|".join(_row(each) for each in statuses),
            "groups": list(_groups(statuses)),
            "acts": [act for act in TEXTS if self.may(request, act)],
            "may_replay": self.may(request, "replay"),
        }
        return TemplateResponse(request, "carveout/admin/subscriptions.html", context)

    def live_view(self, request: HttpRequest) -> HttpResponse:
        """The page's numbers, for its script."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        statuses = status.statuses(get_settings().hosted)
        shown = [_shown(each) for each in statuses]
        return JsonResponse(
            {
                "rows": [_row(each) for each in statuses],
                "texts": {
                    f"{part['name']}.{key}": text
                    for each in shown
                    for part in (each, *each["partitions"])
                    for key, text in part["numbers"].items()
                },
                "counts": {f"{each['name']}.rate": each["position"] for each in shown},
            }
        )

    # -- What can be done -----------------------------------------------------------------------

    def act(self, request: HttpRequest) -> HttpResponse:
        """Asks for the reason, or pauses or resumes the chosen subscriptions if it was given."""
        here = HttpResponseRedirect(request.path)
        act, names = request.POST.get("action", ""), request.POST.getlist("subscription")
        if act in PERMISSIONS and not self.may(request, act):
            raise PermissionDenied
        if act not in TEXTS or not names:
            what = "an action" if names else "at least one subscription"
            self.message_user(request, f"Nothing was done: select {what}.", messages.WARNING)
            return here
        chosen = [_found(name) for name in names]
        form = reason_form(request)
        if form.is_valid():
            for each in chosen:
                self.pause_or_resume(request, act, each, form.cleaned_data["reason"])
            return here
        title, text = TEXTS[act]
        hidden = [("action", act), *(("subscription", each.name) for each in chosen)]
        question = Question(f"{title}?", [each.name for each in chosen], title, hidden, text)
        return ask(request, self.opts, question, form)

    def pause_or_resume(
        self, request: HttpRequest, act: str, of: Subscription, reason: str
    ) -> None:
        by = actor_of(request)
        with transaction.atomic(using=of.database):
            if act == "pause":
                count = cursors.pause(of.name, by.name, reason, of.database)
            else:
                count = cursors.resume(of.name, of.database)
            if count:
                audit.record(by, f"{act}d", replay.records(of), reason)
        if not count:
            message = (
                f"Nothing was done: {of.name} has no cursor yet, since no consumer has started."
            )
            self.message_user(request, message, messages.WARNING)
            return
        self.message_user(request, f"{act.capitalize()}d: {of.name}.", messages.SUCCESS)

    def replay_view(self, request: HttpRequest, name: str) -> HttpResponse:
        if not self.may(request, "replay"):
            raise PermissionDenied
        return replay.page(self, request, _found(name))


def _found(name: str) -> Subscription:
    if name not in registry or not get_settings().hosts(registry[name].context):
        raise Http404(f"There is no subscription {name} here.")
    return registry[name]


def _stopped(each: Partition) -> str:
    """Why no subscription receives a partition's events; the reason also says what to do."""
    return f"{each.context}.{each.number} stopped {ago(each.stopped_at)} ago. {each.stopped_why}"


class Group(NamedTuple):
    """A heading of the page, and the rows below it."""

    name: str
    sums: str
    statuses: list[dict[str, Any]]


def _groups(statuses: list[SubscriptionStatus]) -> Iterator[Group]:
    """Those that somebody should look at, the worst first; then the others of each context."""
    worst = sorted((each for each in statuses if each.is_in_trouble), key=_badness, reverse=True)
    if worst:
        yield Group("Look at these first", "", [_shown(each) for each in worst])
    for context, those in groupby(statuses, key=lambda each: each.subscription.context):
        of_context = list(those)
        rest = [_shown(each) for each in of_context if not each.is_in_trouble]
        yield Group(context, _sums(of_context), rest)


def _badness(each: SubscriptionStatus) -> tuple[int, int, float]:
    """Dead deliveries are worse than waiting ones, and these than a cursor that is behind."""
    counts = each.deliveries.get("dead", 0), each.deliveries.get("waiting", 0)
    return *counts, age_s(each.oldest) if each.oldest else 0.0


def _sums(statuses: list[SubscriptionStatus]) -> str:
    """The numbers of a context, those in trouble included."""
    numbers = {"lag": sum(each.lag or 0 for each in statuses)}
    numbers |= {state: sum(each.deliveries.get(state, 0) for each in statuses) for state in STATES}
    sums = ", ".join(f"{name} {value:,}" for name, value in numbers.items())
    return f"{counted(len(statuses), 'subscription')}: {sums}"


def _row(each: SubscriptionStatus) -> str:
    """What makes a row another one: the page's script compares it."""
    return f"{each.subscription.name} {'paused' if each.pause else ''}"


def _shown(each: SubscriptionStatus) -> dict[str, Any]:
    name = each.subscription.name
    deliveries = {state: number(each.deliveries.get(state, 0)) for state in STATES}
    lag, partitions = (number(each.lag), each.partitions) if each.started else ("not started", ())
    pause = each.pause and f"Paused {ago(each.pause.at)} ago by {each.pause.by}: {each.pause.why}"
    return {
        "name": name,
        "pause": pause,
        "numbers": {
            "lag": lag,
            "oldest": ago(each.oldest if each.started else None),
            "moved": f"{ago(each.moved_at)} ago" if each.moved_at else NOTHING,
            **deliveries,
        },
        "position": each.position,
        "partitions": [_shown_partition(name, partition) for partition in partitions],
        "deliveries_url": f"{reverse('admin:carveout_delivery_changelist')}?"
        + urlencode({"database": each.subscription.database, "subscription": name}),
    }


def _shown_partition(name: str, partition: PartitionStatus) -> dict[str, Any]:
    return {
        "name": f"{name}/{partition.ref}",
        "ref": str(partition.ref),
        "numbers": {
            "position": number(partition.position),
            "head": number(partition.head),
            "lag": number(partition.lag),
            "oldest": ago(partition.oldest),
            "moved": ago(partition.moved_at),
        },
    }
