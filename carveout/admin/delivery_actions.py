"""Retries and discards deliveries that an operator chose, one by one or by error."""

from datetime import datetime

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from carveout.admin.base import ReadOnlyAdmin
from carveout.admin.confirmation import Question, actor_of, ask, reason_form
from carveout.models import Delivery
from carveout.operations import failed_deliveries

QUESTIONS = {
    "retry": Question("Retry", [], "Retry", warning="Their attempt counter starts again at zero."),
    "discard": Question(
        "Discard", [], "Discard for good", warning="They are never handled.", danger=True
    ),
}

GONE = "Nothing was done: these deliveries were handled, retried or discarded meanwhile."


class ActsOnDeliveries(ReadOnlyAdmin):
    """Retries and discards deliveries after a confirmation, with the permission for it."""

    def may(self, request: HttpRequest, act: str) -> bool:
        """Whether the account has the action's own permission and may view deliveries."""
        return self.has_view_permission(request) and request.user.has_perm(
            f"carveout.{act}_delivery"
        )

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "retry")

    def has_discard_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "discard")

    def refuse_forged(self, request: HttpRequest) -> None:
        """Refuses a forged action. Raises: PermissionDenied: the page did not offer it."""
        for act in request.POST.getlist("action"):
            if act in failed_deliveries.ACTIONS and not self.may(request, act):
                raise PermissionDenied

    def ask_or_act(
        self,
        request: HttpRequest,
        act: str,
        chosen: "list[QuerySet[Delivery]]",
        hidden: list[tuple[str, str]],
    ) -> HttpResponse | None:
        """Asks for the reason, or acts if it was given.

        hidden: the fields that choose the same rows again.
        """
        until = _moment(request.POST.get("until", "")) or timezone.now()
        chosen = [rows.filter(parked_at__lte=until) for rows in chosen]
        form = reason_form(request)
        if form.is_valid():
            reason = form.cleaned_data["reason"]
            count = sum(
                failed_deliveries.ACTIONS[act](rows, actor_of(request), reason) for rows in chosen
            )
            done = "will be retried" if act == "retry" else "discarded"
            message = f"{count} {'delivery' if count == 1 else 'deliveries'} {done}."
            if count:
                self.message_user(request, message, messages.SUCCESS)
            else:
                self.message_user(request, GONE, messages.WARNING)
            return None
        lines, count = _summary(chosen)
        if not count:
            self.message_user(request, GONE, messages.WARNING)
            return None
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


def _summary(chosen: "list[QuerySet[Delivery]]") -> tuple[list[str], int]:
    """The chosen deliveries by subscription and state, and their total."""
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
