"""Sends signed requests to the internal REST API of contexts in other deployments."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from functools import lru_cache
from urllib.parse import urlencode, urlsplit

import urllib3

from carveout.conf import get_settings
from carveout.errors import (
    HistoryGone,
    LookupBehind,
    LookupRefused,
    LookupUnavailable,
    SettingsInvalid,
)
from carveout.lookups import tokens
from carveout.lookups.circuit_breaker import CircuitBreaker
from carveout.lookups.deadline import DeadlinePoolManager
from carveout.telemetry import correlation, spans

CONNECT_TIMEOUT_S = 2.0
PART_BYTES = 64 * 1024
TOO_EARLY = 425
RETRYABLE_STATUSES = frozenset({408, 429, 500, 502, 503, 504})

breakers: dict[str, CircuitBreaker] = defaultdict(CircuitBreaker)


@lru_cache(maxsize=1)
def _pool() -> urllib3.PoolManager:
    return DeadlinePoolManager(maxsize=4, retries=False)


def get(caller: str, owner: str, resource: str, params: Sequence[tuple[str, str]]) -> bytes:
    """Fetch the body of a resource of another context.

    The address comes from the settings alone, never from an event, and redirects are not
    followed, so a request can't be diverted.

    Raises: LookupUnavailable: it did not answer; call again later.
            LookupBehind: it answered that it does not have what the caller has seen.
            HistoryGone: it answered that the requested events are gone.
            LookupRefused: it answered, and the request can't succeed as it is.
            SettingsInvalid: the context has no URL.
    """
    breaker = breakers[owner]
    if breaker.blocks():
        raise LookupUnavailable(f"{owner} did not answer lately; it is asked again in a moment.")
    ours = correlation.current()
    try:
        with spans.looking_up(resource, ours.traceparent if ours else ""):
            body = _fetch(caller, owner, resource, params)
    except LookupBehind:
        breaker.succeeded()
        raise
    except LookupUnavailable:
        breaker.failed()
        raise
    breaker.succeeded()
    return body


def _fetch(caller: str, owner: str, resource: str, params: Sequence[tuple[str, str]]) -> bytes:
    settings = get_settings()
    signed = tokens.sign(caller, owner, "GET", resource)
    try:
        response = _pool().request(
            "GET",
            f"{base_url(owner)}/{resource}?{urlencode(params)}",
            headers={
                "Authorization": f"Bearer {signed}",
                "Accept": "application/json",
                **correlation.headers(spans.traceparent()),
            },
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, total=settings.lookup_timeout_s),
            redirect=False,
            preload_content=False,
        )
        with closing(response):  # a connection that was read to the end is already back in the pool
            body = _read(response, settings.lookup_bytes_max)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise LookupUnavailable(f"{owner} did not answer: {error}") from error
    if response.status in RETRYABLE_STATUSES:
        raise LookupUnavailable(f"{owner} answered {response.status} to {resource}.")
    if response.status == TOO_EARLY:
        raise LookupBehind(f"{owner} answered 425 to {resource}: {body[:300]!r}")
    if response.status == 410:
        raise HistoryGone(body.decode(errors="replace"))
    if response.status != 200:
        raise LookupRefused(
            f"{owner} answered {response.status} to {resource}: {_refusal(owner, response, body)}"
        )
    if len(body) > settings.lookup_bytes_max:
        raise LookupRefused(f"{owner} sent over {settings.lookup_bytes_max} bytes for {resource}.")
    return body


def _refusal(owner: str, response: urllib3.BaseHTTPResponse, body: bytes) -> str:
    """The owner's answer, and the likely setting to fix in its deployment."""
    if to := response.headers.get("Location"):
        return (
            f"it redirects to {to[:300]}, and redirects are not followed. Correct"
            f" CARVEOUT['CONTEXTS']['{owner}']['url'] here, or allow the internal REST"
            " without TLS there: add its path to SECURE_REDIRECT_EXEMPT if SECURE_SSL_REDIRECT"
            " is set."
        )
    is_page = response.headers.get("Content-Type", "").startswith("text/html")
    if response.status == 404 and is_page:
        return (
            f"there is no such page at {base_url(owner)}/. Mount the internal REST in the"
            f' deployment of {owner}: path("internal/", include("carveout.urls")). Or correct'
            f" CARVEOUT['CONTEXTS']['{owner}']['url'] here: it must end with that path."
        )
    if response.status == 400 and is_page:
        host = urlsplit(base_url(owner)).hostname
        return f"{body[:300]!r}. Add {host!r} to ALLOWED_HOSTS of the deployment of {owner}."
    return repr(body[:300])


def _read(response: urllib3.BaseHTTPResponse, bytes_max: int) -> bytes:
    """The body, cut off shortly after `bytes_max`."""
    body = bytearray()
    while len(body) <= bytes_max and (part := response.read1(PART_BYTES)):
        body += part
    return bytes(body)


def base_url(owner: str) -> str:
    """Where the owner's `carveout.urls` are mounted.

    Raises: SettingsInvalid: the context is not hosted here and has no URL.
    """
    url = get_settings().contexts[owner].url
    if not url:
        raise SettingsInvalid(
            f"{owner} is not hosted here and CARVEOUT['CONTEXTS']['{owner}']['url'] is empty."
            " Set it to the address of its carveout.urls."
        )
    return url.rstrip("/")
