"""What a browser may load and run on our pages."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

POLICY = (
    "default-src 'self'; script-src 'self'{scripts}; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self';"
    " frame-ancestors 'none'"
)
REST = ("/api/", "/internal/")
"""The browsable REST and the API document's page contain inline scripts."""


class ContentSecurityPolicyMiddleware:
    """Sends the policy. Django 6.0 and later have their own; this one also works with 5.2.

    Source: https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Content-Security-Policy
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        scripts = " 'unsafe-inline'" if request.path.startswith(REST) else ""
        response.headers.setdefault("Content-Security-Policy", POLICY.format(scripts=scripts))
        return response
