"""Records HTTP requests by what `http.client` sends; urllib3 and requests are built on it.

A body is recorded as it was sent: with the lengths of its chunks, if it was sent in chunks.
"""

import re
from hashlib import sha256
from http.client import HTTPSConnection
from typing import Any

from carveout.seams.effects.outside.block import EffectBlock
from carveout.seams.effects.outside.json_values import TEXT_BYTES_MAX, text_or_digest

_HEAD = re.compile(rb"(\S+) (\S+) HTTP/1\.[01]\r\n")
_HOST = re.compile(rb"\r\nhost: *(\S+)", re.IGNORECASE)


class SentRequest:
    """A request whose body is being sent."""

    def __init__(self, method: str, url: str) -> None:
        self.values = {"method": method, "url": url, "body": ""}
        self._digest, self._size, self._start = sha256(), 0, b""

    def add(self, data: bytes) -> None:
        self._digest.update(data)
        self._size += len(data)
        self._start += data[: TEXT_BYTES_MAX - len(self._start)]
        self.values["body"] = text_or_digest(self._start, self._size, self._digest.hexdigest())


def record(block: EffectBlock, connection: Any, data: Any) -> None:
    """Record what is sent on a connection. Raises: TypeError: it is not bytes."""
    data = bytes(memoryview(data))
    request = begun(connection, data)
    if request is None:
        _continue(block, connection, data)
    elif request.values["method"] != "CONNECT":  # that only opens a tunnel for the request
        block.requests[connection] = request
        block.add("requests", lambda: request.values)
        request.add(data.partition(b"\r\n\r\n")[2])


def begun(connection: Any, data: bytes) -> SentRequest | None:
    """The request that begins with these bytes; None: no request does."""
    if not (head := _HEAD.match(data)):
        return None
    method, target = head[1].decode("latin-1"), head[2].decode("latin-1")
    if method == "CONNECT" or "://" in target:  # the latter at a proxy
        return SentRequest(method, target)
    scheme = "https" if isinstance(connection, HTTPSConnection) else "http"
    host = _HOST.search(data)
    name = host[1].decode("latin-1") if host else connection.host
    return SentRequest(method, f"{scheme}://{name}{target}")


def _continue(block: EffectBlock, connection: Any, data: bytes) -> None:
    if connection in block.requests:
        block.requests[connection].add(data)
    else:
        block.note(f"sent more of an HTTP request to {connection.host} that began earlier")
