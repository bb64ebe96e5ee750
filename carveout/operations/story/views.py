"""Answers other deployments that ask for stories, over the internal REST."""

import msgspec
from django.http import Http404, HttpResponse
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from carveout.conf import get_settings
from carveout.lookups.authentication import (
    ContextTokenAuthentication,
    IsContextOrStaff,
    StaffAuthentication,
)
from carveout.lookups.pinned_views import PinnedView
from carveout.operations.story import deployments


class StoriesView(PinnedView):
    """What this deployment knows of a story; see `carveout.operations.story.deployments`."""

    authentication_classes = [ContextTokenAuthentication, StaffAuthentication]
    permission_classes = [IsContextOrStaff]
    permission = "carveout.view_loggedevent"

    def get(self, request: Request, owner: str) -> HttpResponse:
        if not get_settings().hosts(owner):
            raise Http404(f"{owner} is not hosted here")
        asked = request.query_params
        names, events = asked.getlist("correlation"), asked.getlist("event")
        if max(len(names), len(events)) > deployments.NAMES_MAX:
            raise ValidationError(f"Ask for at most {deployments.NAMES_MAX} at once.")
        try:
            event_refs = [deployments.read(each) for each in events]
        except ValueError as error:
            raise ValidationError({"event": str(error)}) from error
        answer = deployments.part(asked.get("q", ""), names, event_refs)
        return HttpResponse(msgspec.json.encode(answer), content_type="application/json")
