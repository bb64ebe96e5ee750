"""Subscriptions: where each one is, how much waits for it, and pausing, resuming and replaying."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode

from carveout import audit, cursor, replay, standing
from carveout.admin.confirm import Question, ask, reason_form, who
from carveout.admin.read_only import ReadOnlyAdmin
from carveout.admin.shown import NOTHING, STATES, ago, counted, number
from carveout.conf import get_settings
from carveout.errors import CarveoutError
from carveout.models import SubscriptionRecord
from carveout.replay import Move
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


class ReplayForm(forms.Form):
    """From where a subscription is to handle events again."""

    start = forms.CharField(
        label="From", help_text="A position from 1, or a time such as 2026-01-31T12:00."
    )
    context = forms.ChoiceField(label="Log of", required=False)
    partition = forms.IntegerField(required=False, min_value=0, help_text="Empty: all of them.")
    force = forms.BooleanField(
        required=False, label="Also if it is declared replayable=False", label_suffix=""
    )

    def __init__(self, of: Subscription, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        choices = [("", "all that it hears"), *((name, name) for name in sorted(of.sources))]
        self.fields["context"].choices = choices  # type: ignore[attr-defined]
        if of.replayable:
            del self.fields["force"]

    def clean_start(self) -> Any:
        try:
            return replay.position_or_time(self.cleaned_data["start"].strip())
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


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
        if act == "pause":
            count = cursor.pause(of.name, who(request).name, reason, of.database)
        else:
            count = cursor.resume(of.name, of.database)
        if not count:
            message = (
                f"Nothing was done: {of.name} has no cursor yet, no consumer has begun with it."
            )
            self.message_user(request, message, messages.WARNING)
            return
        audit.record(who(request), f"{act}d", _records(of), reason)
        self.message_user(request, f"{act.capitalize()}d: {of.name}.", messages.SUCCESS)

    def replay_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """First from where, then what that means and why, then the move."""
        if not self.may(request, "replay"):
            raise PermissionDenied
        of = _found(name)
        form = ReplayForm(of, request.POST if request.method == "POST" else None)
        if not form.is_valid():
            return self.ask_from_where(request, of, form)
        given = {name: value for name, value in form.cleaned_data.items() if name != "start"}
        try:
            moves = replay.plan(
                of,
                form.cleaned_data["start"],
                context=given["context"] or None,
                partition=given["partition"],
                force=given.get("force", False),
            )
        except CarveoutError as refused:
            form.add_error("start", str(refused))
            return self.ask_from_where(request, of, form)
        return self.confirm_replay(request, of, moves)

    def ask_from_where(
        self, request: HttpRequest, of: Subscription, form: forms.Form
    ) -> HttpResponse:
        question = Question(f"Replay {of.name}", [], "Show what that means")
        return ask(request, self.opts, question, form)

    def confirm_replay(
        self, request: HttpRequest, of: Subscription, moves: list[Move]
    ) -> HttpResponse:
        form = reason_form(request)
        if not form.is_valid():
            hidden = [
                (key, request.POST[key])
                for key in ("start", "context", "partition", "force")
                if key in request.POST
            ]
            question = Question(f"Replay {of.name}?", _told(moves), "Replay", hidden, danger=True)
            return ask(request, self.opts, question, form)
        replay.carry_out(of, moves)
        told = "\n".join(map(str, moves))
        audit.record(who(request), "replayed", _records(of), form.cleaned_data["reason"], told)
        self.message_user(request, f"Replayed: {of.name}.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:carveout_subscriptionrecord_changelist"))


def _told(moves: list[Move]) -> list[str]:
    again, skipped = sum(each.again for each in moves), sum(each.skipped for each in moves)
    lines = [str(move) for move in moves]
    if again:
        lines.append(f"In all: {counted(again, 'event')} once more.")
    if skipped:
        lines.append(f"In all: {counted(skipped, 'event')} never handled.")
    return lines


def _found(name: str) -> Subscription:
    if name not in registry or not get_settings().hosts(registry[name].context):
        raise Http404(f"There is no subscription {name} here.")
    return registry[name]


def _records(of: Subscription) -> list[SubscriptionRecord]:
    """The row that the admin's history is about."""
    rows = SubscriptionRecord.objects.using(of.database).filter(subscription=of.name)
    return list(rows.order_by("pk")[:1])


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
