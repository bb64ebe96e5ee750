"""The page before an act: what will be done, to what, and the reason that the audit keeps."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextareaWidget
from django.http import HttpRequest
from django.template.response import TemplateResponse

from carveout.audit import REASON_LENGTH_MAX, Who


class ReasonForm(forms.Form):
    """Why somebody does something."""

    reason = forms.CharField(
        max_length=REASON_LENGTH_MAX,
        widget=AdminTextareaWidget(attrs={"rows": 3, "autofocus": True}),
    )


@dataclass
class Question:
    """What a confirmation page says and sends."""

    title: str
    lines: Iterable[str]
    button: str
    hidden: list[tuple[str, str]] = field(default_factory=list)
    warning: str = ""
    danger: bool = False


def reason_form(request: HttpRequest) -> ReasonForm:
    """Bound only if the confirmation page was sent."""
    return ReasonForm(request.POST if "reason" in request.POST else None)


def ask(request: HttpRequest, opts: Any, question: Question, form: forms.Form) -> TemplateResponse:
    """The page itself. Its form sends to where it was asked for."""
    context = {
        **admin.site.each_context(request),
        "title": question.title,
        "opts": opts,
        "question": question,
        "form": form,
    }
    return TemplateResponse(request, "carveout/admin/confirm.html", context)


def who(request: HttpRequest) -> Who:
    return Who(request.user.get_username(), request.user)
