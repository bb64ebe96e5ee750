"""Confirmation pages: they show what an action will do, and ask for the audit's reason."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextareaWidget
from django.http import HttpRequest
from django.template.response import TemplateResponse

from carveout.operations.audit import REASON_LENGTH_MAX, Actor


class ReasonForm(forms.Form):
    """Asks for the reason for an action."""

    reason = forms.CharField(
        max_length=REASON_LENGTH_MAX,
        widget=AdminTextareaWidget(attrs={"rows": 3, "autofocus": True}),
    )


@dataclass
class Question:
    """The texts and the hidden fields of a confirmation page."""

    title: str
    lines: Iterable[str]
    button: str
    hidden: list[tuple[str, str]] = field(default_factory=list)
    warning: str = ""
    danger: bool = False


def reason_form(request: HttpRequest) -> ReasonForm:
    """The form for the reason, bound only if the confirmation page was submitted."""
    return ReasonForm(request.POST if "reason" in request.POST else None)


def ask(request: HttpRequest, opts: Any, question: Question, form: forms.Form) -> TemplateResponse:
    """Renders the confirmation page. Its form posts to the page's own URL."""
    context = {
        **admin.site.each_context(request),
        "title": question.title,
        "opts": opts,
        "question": question,
        "form": form,
    }
    return TemplateResponse(request, "carveout/admin/confirm.html", context)


def actor_of(request: HttpRequest) -> Actor:
    return Actor(request.user.get_username(), request.user)
