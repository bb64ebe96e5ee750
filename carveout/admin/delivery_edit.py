"""Edits a delivery's copy of its event in a form, and retries it."""

import json
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from carveout.admin.base import DATABASE
from carveout.admin.confirmation import ReasonForm, actor_of
from carveout.admin.delivery_actions import ActsOnDeliveries
from carveout.deliveries import store
from carveout.models import Delivery
from carveout.operations import failed_deliveries
from carveout.operations.failed_deliveries import EditRefused


class EditForm(ReasonForm):
    """The event's new data, and the reason for it."""

    event_data = forms.CharField(
        label="The event's data",
        widget=AdminTextareaWidget(
            attrs={"rows": 12, "class": "carveout-code", "spellcheck": "false"}
        ),
    )
    field_order = ["event_data", "reason"]

    def __init__(self, row: Delivery, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.row = row

    def clean_event_data(self) -> dict[str, Any]:
        try:
            return failed_deliveries.checked(self.row, self.cleaned_data["event_data"])
        except EditRefused as refused:
            raise forms.ValidationError(str(refused)) from refused


def page(of: ActsOnDeliveries, request: HttpRequest, row_id: int) -> HttpResponse:
    """Shows the form; retries the delivery when valid data and a reason were submitted."""
    if not of.may(request, "edit"):
        raise PermissionDenied
    row = of.get_queryset(request).filter(pk=row_id).first()
    if row is None:
        raise Http404(f"There is no delivery {row_id}. It may have been handled by now.")
    event = store.event_of(row)
    data = json.dumps(event.data, indent=2, ensure_ascii=False)
    given = request.POST if request.method == "POST" else None
    form = EditForm(row, given, initial={"event_data": data})
    if form.is_valid():
        return _retry(of, request, row, form)
    context = {
        **of.admin_site.each_context(request),
        "title": f"Edit a copy of {event.type} {event.key} and retry it",
        "opts": of.opts,
        "form": form,
        "row": row,
        "media": of.media,
    }
    return TemplateResponse(request, "carveout/admin/edit.html", context)


def _retry(
    of: ActsOnDeliveries, request: HttpRequest, row: Delivery, form: EditForm
) -> HttpResponse:
    data, reason = form.cleaned_data["event_data"], form.cleaned_data["reason"]
    if failed_deliveries.edit(row, data, actor_of(request), reason):
        of.message_user(request, "The delivery will be retried with the new data.", "success")
    else:
        message = "Nothing was changed: the delivery is running, or was handled already."
        of.message_user(request, message, "warning")
    rows = reverse("admin:carveout_delivery_changelist")
    return HttpResponseRedirect(f"{rows}?{DATABASE}={row.database}")
