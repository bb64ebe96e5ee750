"""Web servers in threads: the contexts themselves, and owners that behave badly."""

import socketserver
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.db import connections
from django.test import override_settings

Application = Callable[..., Iterable[bytes]]


class Quiet(WSGIRequestHandler):
    """Says nothing about requests."""

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def serving(application: Application) -> Iterator[str]:
    """Gives: the URL of the server's root."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet, connections_override={})
    server.set_app(application)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def the_contexts() -> Iterator[str]:
    """The project itself. Gives: where `carveout.urls` are mounted."""
    with serving(WSGIHandler()) as url:
        yield f"{url}/internal"


class Tickets:
    """The deployment of tickets alone, in a thread. Whoever asks it stands still meanwhile."""

    def __init__(self, carveout_settings: dict[str, Any]) -> None:
        self.settings = {**carveout_settings, "HOSTED": ["tickets"]}
        self.asked: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.asked.append(environ["PATH_INFO"])
        with override_settings(CARVEOUT=self.settings):
            body = list(WSGIHandler()(environ, start_response))
            connections.close_all()
        return body


class Owner:
    """An owner that answers what a test says, and counts how often it was asked."""

    def __init__(self, status: str = "200 OK", body: bytes = b"{}", **headers: str) -> None:
        self.status, self.body, self.headers = status, body, headers
        self.asked: list[str] = []
        self.wait_s = 0.0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.asked.append(f"{environ['PATH_INFO']}?{environ['QUERY_STRING']}")
        time.sleep(self.wait_s)
        length = {"Content-Length": str(len(self.body))}
        start_response(self.status, list({**length, **self.headers}.items()))
        return [self.body]


def dripping(seconds: float) -> Application:
    """An owner that sends its body byte by byte for so long."""

    def application(_environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            yield b" "
            time.sleep(0.02)

    return application


@contextmanager
def mumbling(*, every_s: float | None) -> Iterator[str]:
    """An owner that takes a call and says the first line of its answer character by character.

    every_s: or, if None, never says anything. Gives: its URL.
    """

    class Mumble(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                for character in "HTTP/1.1 200 " + "O" * 200:
                    if over.wait(every_s):
                        break
                    self.request.sendall(character.encode())

    over = Event()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mumble) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            over.set()
            server.shutdown()
            thread.join()


def endless(_environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """An owner whose body never ends."""
    start_response("200 OK", [("Content-Type", "application/json")])
    while True:
        yield b" " * 65_536
