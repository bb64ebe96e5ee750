"""Middleware that gives everything that one request causes the same correlation id."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from carveout.telemetry.correlation import HEADER, of_headers, using


class CorrelationMiddleware:
    """Gives the events of one request a correlation id, and returns it in the response.

    A client may send its own in `X-Correlation-ID`, and a W3C `traceparent`. Both are only labels:
    they group events and grant no access.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        came = of_headers(request.headers)
        with using(came):
            response = self.get_response(request)
        response.headers[HEADER] = came.id
        return response
