"""Serves the health, the readiness and the metrics of the web."""

from importlib.util import find_spec
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from carveout.conf import get_settings
from carveout.lookups.pinned_views import VARIES_BY
from carveout.operations.health import readiness

NEEDED = "The metrics need prometheus-client: pip install 'django-carveout[metrics]'."


@login_not_required
@never_cache
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Returns 200: this process answers. Nothing else is checked."""
    return JsonResponse({"contexts": list(get_settings().hosted)})


@login_not_required
@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Returns 200 if the databases answer, else 503.

    Whether Redis answers is reported but does not count: events are stored without it.
    """
    needed = readiness.databases()
    status = 200 if all(needed.values()) else 503
    return JsonResponse(needed | readiness.redis(), status=status)


@login_not_required  # it checks access itself
@never_cache
@vary_on_headers(*VARIES_BY)
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Returns the metrics, to staff and to clients that send METRICS_TOKEN only."""
    if not find_spec("prometheus_client"):
        return HttpResponse(NEEDED, status=501, content_type="text/plain")
    from carveout.operations.metrics import prometheus

    if not (_is_staff(request) or prometheus.may_read(request.headers.get("Authorization", ""))):
        challenge = {"WWW-Authenticate": "Bearer"}
        return HttpResponse(status=401, headers=challenge, content_type="text/plain")
    return HttpResponse(prometheus.text(), content_type=prometheus.CONTENT_TYPE)


def _is_staff(request: HttpRequest) -> bool:
    user: Any = getattr(request, "user", None)
    return bool(user and user.is_active and user.is_staff)
