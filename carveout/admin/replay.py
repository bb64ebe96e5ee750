"""Replays a subscription in three steps: the start, a preview with the reason, the move."""

from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from carveout.admin.base import ReadOnlyAdmin
from carveout.admin.confirmation import Question, actor_of, ask, reason_form
from carveout.admin.formatting import counted
from carveout.errors import CarveoutError, StreamUnavailable
from carveout.models import SubscriptionRecord
from carveout.operations import audit
from carveout.subscriptions import replay
from carveout.subscriptions.replay import CursorMove
from carveout.subscriptions.subscription import Subscription


class ReplayForm(forms.Form):
    """Asks from where a subscription handles events again."""

    start = forms.CharField(
        label="From", help_text="A position from 1, or a time such as 2026-01-31T12:00."
    )
    context = forms.ChoiceField(label="Log of", required=False)
    partition = forms.IntegerField(required=False, min_value=0, help_text="If empty, all of them.")
    force = forms.BooleanField(
        required=False, label="Even if it is declared replayable=False", label_suffix=""
    )

    def __init__(self, of: Subscription, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        choices = [
            ("", "all its contexts"),
            *((name, name) for name in sorted(of.source_contexts)),
        ]
        self.fields["context"].choices = choices  # type: ignore[attr-defined]
        if of.replayable:
            del self.fields["force"]

    def clean_start(self) -> Any:
        try:
            return replay.position_or_time(self.cleaned_data["start"].strip())
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


def page(admin: ReadOnlyAdmin, request: HttpRequest, of: Subscription) -> HttpResponse:
    """Shows the next step of the replay."""
    form = ReplayForm(of, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            moves = _plan(of, form.cleaned_data)
        except CarveoutError as refused:
            form.add_error("start", str(refused))
        else:
            return _confirm(admin, request, of, moves)
    question = Question(f"Replay {of.name}", [], "Preview")
    return ask(request, admin.opts, question, form)


def records(of: Subscription) -> list[SubscriptionRecord]:
    """The row that the admin's history refers to."""
    rows = SubscriptionRecord.objects.using(of.database).filter(subscription=of.name)
    return list(rows.order_by("pk")[:1])


def _plan(of: Subscription, given: dict[str, Any]) -> list[CursorMove]:
    """Plans the moves. Raises: ReplayRefused, LookupFailed: it can't continue from there."""
    return replay.plan(
        of,
        given["start"],
        context=given["context"] or None,
        partition=given["partition"],
        force=given.get("force", False),
    )


def _confirm(
    admin: ReadOnlyAdmin, request: HttpRequest, of: Subscription, moves: list[CursorMove]
) -> HttpResponse:
    form = reason_form(request)
    if not form.is_valid():
        steps = ("start", "context", "partition", "force")
        hidden = [(key, request.POST[key]) for key in steps if key in request.POST]
        question = Question(f"Replay {of.name}?", _summary(moves), "Replay", hidden, danger=True)
        return ask(request, admin.opts, question, form)
    summary = "\n".join(map(str, moves))
    try:
        with transaction.atomic(using=of.database):
            replay.apply(of, moves)
            reason = form.cleaned_data["reason"]
            audit.record(actor_of(request), "replayed", records(of), reason, summary)
    except StreamUnavailable as error:
        admin.message_user(request, f"Not replayed: {error}", "error")
    else:
        admin.message_user(request, f"Replayed: {of.name}.", "success")
    return HttpResponseRedirect(reverse("admin:carveout_subscriptionrecord_changelist"))


def _summary(moves: list[CursorMove]) -> list[str]:
    lines = [str(move) for move in moves]
    for count, what in (
        (sum(each.again for each in moves), "handled again"),
        (sum(each.skipped for each in moves), "never handled"),
    ):
        if count:
            lines.append(f"In total: {counted(count, 'event')} {what}.")
    return lines
