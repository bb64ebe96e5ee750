"""Authenticates readers of the internal REST API: contexts by token, staff by admin session."""

from collections.abc import Sequence
from typing import Any

import jwt
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from carveout.lookups import tokens


class CallingContext:
    """The context behind a request, in place of a user."""

    is_authenticated = True
    is_staff = False
    pk = None

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return self.name


class ContextTokenAuthentication(BaseAuthentication):
    """Accepts a token that another context signed for exactly this request."""

    def authenticate(self, request: Request) -> tuple[CallingContext, str] | None:
        scheme, _, signed = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        match = request._request.resolver_match
        owner = match.kwargs.get("owner", "") if match else ""
        try:
            caller = tokens.verify(signed, owner, request.method or "", request.path)
        except jwt.InvalidTokenError as error:
            raise AuthenticationFailed(f"Token refused: {error}") from error
        return CallingContext(caller), signed

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class StaffAuthentication(SessionAuthentication):
    """Accepts a person who is signed in to the admin."""


def is_permitted(user: Any, permissions: Sequence[str]) -> bool:
    """Whether this is active staff with all of these permissions.

    A project may choose its anonymous user (UNAUTHENTICATED_USER), so `user` may be any object.
    """
    is_staff = getattr(user, "is_active", False) and getattr(user, "is_staff", False)
    return bool(is_staff and user.has_perms(permissions))


class IsContextOrStaff(BasePermission):
    """Allows other contexts, and staff with the permissions that the view needs."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.user, CallingContext) or is_permitted(request.user, view.needs())
