"""Limits the time of whole HTTP answers.

The time limits of urllib3 and the standard library only limit how long the next byte may take, so
a server that sends one byte now and then blocks its caller for hours.
Source: https://urllib3.readthedocs.io/en/stable/reference/urllib3.util.html#urllib3.util.Timeout
"""

import io
import time
from http.client import HTTPResponse
from socket import socket
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection


class _Reader(io.RawIOBase):
    """Reads from a socket until its initial time limit is over."""

    def __init__(self, sock: socket) -> None:
        self._socket = sock
        self._raw = sock.makefile("rb", buffering=0)
        limit_s = sock.gettimeout()
        self._until = float("inf") if limit_s is None else time.monotonic() + limit_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_s = self._until - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("its answer arrives too slowly")
        if left_s != float("inf"):
            self._socket.settimeout(left_s)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp.close()
        self.fp = io.BufferedReader(_Reader(sock))


class _Connection(HTTPConnection):
    response_class = _Response


class _TLSConnection(HTTPSConnection):
    response_class = _Response


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class DeadlinePoolManager(urllib3.PoolManager):
    """A pool manager whose `timeout` counts from the sent request to the last byte of the answer.

    Raises, while an answer is read: TimeoutError: it is not complete in time.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
