"""Limits on the size and the depth of request bodies, and on attempts to sign in."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser
from rest_framework.throttling import SimpleRateThrottle


class ShallowJSONParser(JSONParser):
    """Parses JSON. JSON that is nested too deeply is reported as the client's error."""

    def parse(self, *args, **options):
        try:
            return super().parse(*args, **options)
        except RecursionError as error:
            raise ParseError("JSON parse error - nested too deeply") from error


class SignInThrottle(SimpleRateThrottle):
    """Limits attempts to sign in per address, by form and for a token together."""

    scope = "sign_in"

    def get_cache_key(self, request, view) -> str:
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}


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
