"""The largest request body that this deployment reads."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse


class BodyLimitMiddleware:
    """Refuses a body over DATA_UPLOAD_MAX_MEMORY_SIZE with 413, before anything reads it.

    Django checks that limit only where it reads the body itself, and then answers 400.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if _announced_bytes(request) <= limit:
            return self.get_response(request)
        reason = f"The request body is larger than {limit} bytes."
        if request.path.startswith("/api/"):
            return JsonResponse({"detail": reason}, status=413)
        return HttpResponse(reason, status=413, content_type="text/plain")


def _announced_bytes(request: HttpRequest) -> int:
    # A body without this header is not read at all: WSGI ends it where the header says.
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isdecimal() else 0
