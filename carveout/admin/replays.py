"""A replay: first from where, then what that means and why, then the move."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from carveout import audit, replay
from carveout.admin.confirm import Question, ask, reason_form, who
from carveout.admin.shown import counted
from carveout.errors import CarveoutError, StreamUnavailable
from carveout.models import SubscriptionRecord
from carveout.replay import Move
from carveout.subscription import Subscription

if TYPE_CHECKING:
    from carveout.admin.subscriptions import SubscriptionAdmin


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


def page(admin: "SubscriptionAdmin", request: HttpRequest, of: Subscription) -> HttpResponse:
    """Whichever of the steps has its turn."""
    form = ReplayForm(of, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            moves = _plan(of, form.cleaned_data)
        except CarveoutError as refused:
            form.add_error("start", str(refused))
        else:
            return _confirm(admin, request, of, moves)
    question = Question(f"Replay {of.name}", [], "Show what that means")
    return ask(request, admin.opts, question, form)


def records(of: Subscription) -> list[SubscriptionRecord]:
    """The row that the admin's history is about."""
    rows = SubscriptionRecord.objects.using(of.database).filter(subscription=of.name)
    return list(rows.order_by("pk")[:1])


def _plan(of: Subscription, given: dict[str, Any]) -> list[Move]:
    """Raises: ReplayRefused, LookupFailed: it can't go on from there."""
    return replay.plan(
        of,
        given["start"],
        context=given["context"] or None,
        partition=given["partition"],
        force=given.get("force", False),
    )


def _confirm(
    admin: "SubscriptionAdmin", request: HttpRequest, of: Subscription, moves: list[Move]
) -> HttpResponse:
    form = reason_form(request)
    if not form.is_valid():
        steps = ("start", "context", "partition", "force")
        hidden = [(key, request.POST[key]) for key in steps if key in request.POST]
        question = Question(f"Replay {of.name}?", _told(moves), "Replay", hidden, danger=True)
        return ask(request, admin.opts, question, form)
    told = "\n".join(map(str, moves))
    try:
        with transaction.atomic(using=of.database):
            replay.carry_out(of, moves)
            audit.record(who(request), "replayed", records(of), form.cleaned_data["reason"], told)
    except StreamUnavailable as away:
        admin.message_user(request, f"Not replayed: {away}", "error")
    else:
        admin.message_user(request, f"Replayed: {of.name}.", "success")
    return HttpResponseRedirect(reverse("admin:carveout_subscriptionrecord_changelist"))


def _told(moves: list[Move]) -> list[str]:
    lines = [str(move) for move in moves]
    for count, what in (
        (sum(each.again for each in moves), "once more"),
        (sum(each.skipped for each in moves), "never handled"),
    ):
        if count:
            lines.append(f"In all: {counted(count, 'event')} {what}.")
    return lines
