"""The base class for admin pages of the rows of own copies."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


class ChangesNothing:
    """A base class before ModelAdmin: its pages show rows and change none."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class CopyAdmin(ChangesNothing, admin.ModelAdmin):  # type: ignore[type-arg]
    """A base class for the admin pages of an own copy: they show rows and change none."""
