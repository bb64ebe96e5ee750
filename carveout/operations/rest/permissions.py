"""Lets staff view what Django's permissions allow them."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.viewsets import ViewSet

from carveout.lookups.authentication import StaffAuthentication, is_permitted
from carveout.lookups.pinned_views import PinnedView
from carveout.operations.rest.filter_form import FilteredPages


class MayView(BasePermission):
    """Allows staff with the permissions that the view needs for its action."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return is_permitted(request.user, view.needs())


class StaffViewSet(PinnedView, ViewSet):
    """Base of the views for staff who are signed in to the admin."""

    authentication_classes = [StaffAuthentication]
    permission_classes = [MayView]
    renderer_classes = [JSONRenderer, FilteredPages]
    query: type[Serializer[Any]] | None = None
    """The parameters of its list."""
