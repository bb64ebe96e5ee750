"""Who may see what: staff, with Django's permission to view the model."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from carveout.access import StaffAuthentication, is_permitted
from carveout.pinned import PinnedView


class MayView(BasePermission):
    """Staff with the permissions that the view needs for its action."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return is_permitted(request.user, view.needs())


class StaffViewSet(PinnedView, ViewSet):
    """Read by people who are signed in to the admin."""

    authentication_classes = [StaffAuthentication]
    permission_classes = [MayView]
