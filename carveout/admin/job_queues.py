"""Restricts django-rq's dashboard to superusers.

It empties queues, and stops and deletes jobs, without a reason and without an audit, and it
requires only `is_staff`. Operators act on deliveries instead.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern


def _for_superusers(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Refuses all other accounts. The view itself handles visitors who are not signed in."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated and not request.user.is_superuser:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded


def _register() -> None:
    from django_rq.admin import QueueAdmin
    from django_rq.models import Dashboard

    class GuardedQueueAdmin(QueueAdmin):
        def has_module_permission(self, request: HttpRequest) -> bool:
            return bool(request.user.is_superuser)

        def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
            return bool(request.user.is_superuser)

        has_change_permission = has_view_permission

        def get_urls(self) -> list[URLPattern]:
            patterns: list[URLPattern] = super().get_urls()  # type: ignore[no-untyped-call]
            for pattern in patterns:
                if isinstance(pattern, URLPattern):
                    pattern.callback = _for_superusers(pattern.callback)
            return patterns

    if admin.site.is_registered(Dashboard):  # not where RQ_SHOW_ADMIN_LINK is False
        admin.site.unregister(Dashboard)
        admin.site.register(Dashboard, GuardedQueueAdmin)


if apps.is_installed("django_rq"):
    _register()
