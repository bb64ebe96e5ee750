"""Subscriptions: where each one is, how much waits for it, and pausing, resuming and replaying."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode

from carveout import audit, cursor, log, standing
from carveout.admin import replays
from carveout.admin.confirm import Question, ask, reason_form, who
from carveout.admin.read_only import ReadOnlyAdmin
from carveout.admin.shown import NOTHING, STATES, ago, number
from carveout.conf import get_settings
from carveout.models import Partition, SubscriptionRecord
from carveout.standing import Stand, Standing
from carveout.subscription import Subscription, registry

PERMISSIONS = {"pause": "pause", "resume": "pause", "replay": "replay"}
TEXTS = {
    "pause": (
        "Pause",
        "Nothing is handled for them until they are resumed: no batch, no retry, no job. Their"
        " cursors and deliveries stay, and others go on.",
    ),
    "resume": ("Resume", "They go on from where they stand; nothing was lost."),
}


@admin.register(SubscriptionRecord)
class SubscriptionAdmin(ReadOnlyAdmin):
    """A row for each subscription of the contexts that are hosted here."""

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
        context = {
            **self.admin_site.each_context(request),
            "title": "Subscriptions",
            "opts": self.opts,
            "media": self.media,
            "stopped": [_stopped(each) for each in log.stopped(get_settings().hosted)],
            "standings": [_shown(each) for each in standing.standings(get_settings().hosted)],
            "acts": [act for act in TEXTS if self.may(request, act)],
            "may_replay": self.may(request, "replay"),
        }
        return TemplateResponse(request, "carveout/admin/subscriptions.html", context)

    def live_view(self, request: HttpRequest) -> HttpResponse:
        """The numbers of the page, for its script."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        shown = [_shown(each) for each in standing.standings(get_settings().hosted)]
        return JsonResponse(
            {
                "rows": [each["row"] for each in shown],
                "texts": {
                    f"{part['name']}.{key}": text
                    for each in shown
                    for part in (each, *each["stands"])
                    for key, text in part["numbers"].items()
                },
                "counts": {f"{each['name']}.rate": each["position"] for each in shown},
            }
        )

    # -- What can be done -----------------------------------------------------------------------

    def act(self, request: HttpRequest) -> HttpResponse:
        """Pause or resume those that are chosen, once there is a reason."""
        here = HttpResponseRedirect(request.path)
        act, names = request.POST.get("action", ""), request.POST.getlist("subscription")
        if act in PERMISSIONS and not self.may(request, act):
            raise PermissionDenied
        if act not in TEXTS or not names:
            self.message_user(request, "Choose subscriptions, and what to do.", messages.WARNING)
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
        by = who(request)
        with transaction.atomic(using=of.database):
            if act == "pause":
                count = cursor.pause(of.name, by.name, reason, of.database)
            else:
                count = cursor.resume(of.name, of.database)
            if count:
                audit.record(by, f"{act}d", replays.records(of), reason)
        if not count:
            message = (
                f"Nothing was done: {of.name} has no cursor yet, no consumer has begun with it."
            )
            self.message_user(request, message, messages.WARNING)
            return
        self.message_user(request, f"{act.capitalize()}d: {of.name}.", messages.SUCCESS)

    def replay_view(self, request: HttpRequest, name: str) -> HttpResponse:
        if not self.may(request, "replay"):
            raise PermissionDenied
        return replays.page(self, request, _found(name))


def _found(name: str) -> Subscription:
    if name not in registry or not get_settings().hosts(registry[name].context):
        raise Http404(f"There is no subscription {name} here.")
    return registry[name]


def _stopped(each: Partition) -> str:
    """Why nothing of a partition reaches any subscription, and what to do; the reason says it."""
    return f"{each.context}.{each.number} stopped {ago(each.stopped_at)} ago. {each.stopped_why}"


def _shown(each: Standing) -> dict[str, Any]:
    name = each.subscription.name
    deliveries = {state: number(each.deliveries.get(state, 0)) for state in STATES}
    lag = number(each.lag) if each.stands else "not begun"
    pause = each.pause and f"Paused {ago(each.pause.at)} ago by {each.pause.by}: {each.pause.why}"
    return {
        "name": name,
        "row": f"{name} {'paused' if each.pause else ''}",
        "pause": pause,
        "numbers": {
            "lag": lag,
            "oldest": ago(each.oldest),
            "moved": f"{ago(each.moved_at)} ago" if each.moved_at else NOTHING,
            **deliveries,
        },
        "position": each.position,
        "stands": [_shown_stand(name, stand) for stand in each.stands],
        "deliveries_url": f"{reverse('admin:carveout_delivery_changelist')}?"
        + urlencode({"database": each.subscription.database, "subscription": name}),
    }


def _shown_stand(name: str, stand: Stand) -> dict[str, Any]:
    place = f"{stand.place[0]}.{stand.place[1]}"
    return {
        "name": f"{name}/{place}",
        "place": place,
        "numbers": {
            "position": number(stand.position),
            "head": number(stand.head),
            "lag": number(stand.lag),
            "oldest": ago(stand.oldest),
            "moved": ago(stand.moved_at),
        },
    }
