"""Records HTTP requests of httpx, and refuses them where effects are caught."""

from collections.abc import Callable
from typing import Any

from carveout.seams.effects.effects import Values
from carveout.seams.effects.outside.block import EffectBlock, suspended
from carveout.seams.effects.outside.json_values import text_or_digest
from carveout.seams.effects.outside.wrapping import found, wrap


def install() -> None:
    if transport := found("httpx", "HTTPTransport"):
        wrap(transport, "handle_request", _send)
    if transport := found("httpx", "AsyncHTTPTransport"):
        wrap(transport, "handle_async_request", _send_async)


def _send(
    block: EffectBlock, original: Callable[..., Any], transport: Any, request: Any, *args: Any
) -> Any:
    if block.catches:
        block.refuse_if(lambda: _sentence(request))
    block.add("requests", lambda: _values(request))
    with suspended():
        return original(transport, request, *args)


def _send_async(
    block: EffectBlock, original: Callable[..., Any], transport: Any, request: Any, *args: Any
) -> Any:
    block.refuse_if(lambda: f"{_sentence(request)} asynchronously")
    return original(transport, request, *args)


def _sentence(request: Any) -> str:
    return f"sent {request.method} {request.url}"


def _values(request: Any) -> Values:
    """Raises: httpx.RequestNotRead: its body is a stream, which can be read only once."""
    body = text_or_digest(request.content)
    return {"method": request.method, "url": str(request.url), "body": body}
