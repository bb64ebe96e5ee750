"""A delivery's event with other data: edited in a form, and retried."""

import json
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from carveout import delivery, failures
from carveout.admin.confirm import ReasonForm, who
from carveout.admin.read_only import DATABASE
from carveout.failures import EditRefused
from carveout.models import Delivery

if TYPE_CHECKING:
    from carveout.admin.deliveries import DeliveryAdmin


class EditForm(ReasonForm):
    """Other data for an event, and why."""

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
            return failures.checked(self.row, self.cleaned_data["event_data"])
        except EditRefused as refused:
            raise forms.ValidationError(str(refused)) from refused


def page(of: "DeliveryAdmin", request: HttpRequest, row_id: int) -> HttpResponse:
    """The form; retries the delivery once it was sent with data that fit, and a reason."""
    if not of.may(request, "edit"):
        raise PermissionDenied
    row = of.get_queryset(request).filter(pk=row_id).first()
    if row is None:
        raise Http404(f"There is no delivery {row_id}; it may be handled by now.")
    event = delivery.event_of(row)
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
    of: "DeliveryAdmin", request: HttpRequest, row: Delivery, form: EditForm
) -> HttpResponse:
    data, reason = form.cleaned_data["event_data"], form.cleaned_data["reason"]
    if failures.edit(row, data, who(request), reason):
        of.message_user(request, "It is tried with the new data.", "success")
    else:
        of.message_user(request, "Nothing was changed: it is being tried, or is done.", "warning")
    rows = reverse("admin:carveout_delivery_changelist")
    return HttpResponseRedirect(f"{rows}?{DATABASE}={row.database}")
