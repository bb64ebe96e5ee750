"""Who may see what: staff, with Django's permission to view the model."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from carveout.access import StaffAuthentication


class MayView(BasePermission):
    """Staff with the permission that the view names for its action."""

    def has_permission(self, request: Request, view: Any) -> bool:
        user: Any = request.user
        return bool(user and user.is_active and user.is_staff and user.has_perm(view.needs()))


class StaffViewSet(ViewSet):
    """Read by people who are signed in to the admin."""

    authentication_classes = [StaffAuthentication]
    permission_classes = [MayView]
    throttle_classes = []
    permission: str = ""

    def needs(self) -> str:
        """The permission for what is asked."""
        return self.permission
