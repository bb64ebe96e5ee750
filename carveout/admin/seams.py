"""Lists seams and switches them, with a reason for the audit."""

from datetime import datetime
from typing import Any
from urllib.parse import quote

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html

from carveout.admin.base import DatabaseFilter, ReadOnlyAdmin
from carveout.admin.confirmation import actor_of
from carveout.admin.formatting import in_full, time_in
from carveout.errors import CarveoutError
from carveout.models import Mismatch, Seam
from carveout.operations import seam_modes, seam_results
from carveout.operations.audit import REASON_LENGTH_MAX
from carveout.seams import switch

CHANGED_AT, LAST_AT = time_in("changed_at", in_full), time_in("last_at", in_full)


class SwitchForm(forms.ModelForm):  # type: ignore[type-arg]
    """Asks for mode, share and reason."""

    share = forms.IntegerField(min_value=1, max_value=100, help_text="Percent of the keys.")
    guard = forms.IntegerField(
        min_value=1,
        required=False,
        help_text="So many differences or failed events switch it back to direct.",
    )
    reason = forms.CharField(max_length=REASON_LENGTH_MAX)

    class Meta:
        model = Seam
        fields = ("mode", "share", "guard", "reason")

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            if cleaned["mode"] == Seam.Mode.DIRECT:
                cleaned["share"] = 100
            try:
                seam_modes.check(
                    self.instance.name,
                    cleaned["mode"],
                    cleaned["share"],
                    cleaned["reason"],
                    cleaned["guard"],
                )
                if cleaned["mode"] == Seam.Mode.SHADOW:
                    seam_modes.start_recording(self.instance.name)
            except CarveoutError as refused:
                raise forms.ValidationError(str(refused)) from refused
        return cleaned


@admin.register(Seam)
class SeamAdmin(ReadOnlyAdmin):
    """Shows each seam's mode and what comparing found; its page switches it."""

    form = SwitchForm
    fields = (
        *("name", "mode", "share", "guard", "reason", CHANGED_AT, "changed_by"),
        *("compared", "ignored"),
    )
    readonly_fields = ("name", CHANGED_AT, "changed_by", "compared", "ignored")
    list_filter = (DatabaseFilter,)
    list_display = ("name", "state", "compared", time_in("changed_at"), "changed_by", "reason")

    @admin.display(description="mode")
    def state(self, row: Seam) -> str:
        return seam_modes.fixed_mode(row.name) or seam_modes.shown(row)

    @admin.display(description="compared since then")
    def compared(self, row: Seam) -> str:
        found = seam_results.of(row).summary
        if not found.any:
            return ""
        kinds = ("equal", "different", "moved_on", "not_comparable", "waiting")
        shown = ", ".join(f"{getattr(found, each):,} {each.replace('_', ' ')}" for each in kinds)
        url = f"{reverse('admin:carveout_mismatch_changelist')}?seam={quote(row.name)}"
        return format_html('<a href="{}">{}</a>', url, shown)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_change_permission(self, request, obj)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if self.has_view_permission(request):
            _store_new()
        return super().changelist_view(request, extra_context)

    def save_model(self, request: HttpRequest, obj: Seam, form: Any, change: bool) -> None:
        data = form.cleaned_data
        seam_modes.switch_to(
            obj.name,
            data["mode"],
            data["share"],
            actor_of(request),
            data["reason"],
            data["guard"],
        )

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]
        """The audit has an entry already, with the reason."""


def _store_new() -> None:
    """Store seams that were never switched: the admin shows stored rows."""
    for row in seam_modes.seams():
        if row.pk is None:
            Seam.objects.using(switch.database_of(row.name)).get_or_create(name=row.name)


@admin.register(Mismatch)
class MismatchAdmin(ReadOnlyAdmin):
    """What comparing calls with their events found, by kind."""

    list_display = ("seam", "outcome", "shape", "events", time_in("last_at"))
    list_filter = (DatabaseFilter, "outcome", "seam")
    fields = ("seam", "version", "outcome", "shape", "events", LAST_AT, "side_by_side")
    readonly_fields = fields

    @admin.display(description="examples")
    def side_by_side(self, row: Mismatch) -> str:
        """The last examples: what the call did beside what the event does."""
        examples = [each | {"at": datetime.fromisoformat(each["at"])} for each in row.examples]
        return render_to_string("carveout/admin/side_by_side.html", {"examples": examples})
