"""A worker's monitor: metrics, health and readiness over HTTP, in a thread beside its loop."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from django.db import connections

from carveout import exposition, readiness
from carveout.conf import get_settings
from carveout.errors import CarveoutError
from carveout.metrics.process import LeasesHeld
from carveout.pulse import Pulse

logger = logging.getLogger(__name__)

REQUEST_S = 5.0
"""How long a client may take to say what it wants."""

Answer = tuple[HTTPStatus, str, bytes]


class PortTaken(CarveoutError):
    """Nothing can be served at the port that was given; the message says why."""


class Monitor:
    """What can be asked of one worker."""

    def __init__(
        self,
        pulse: Pulse,
        *,
        stalled_s: float,
        settled: Callable[[], bool] = lambda: True,
        leases_held: LeasesHeld = tuple,
    ) -> None:
        """stalled_s: a loop that has not turned for so long is not healthy."""
        self._pulse = pulse
        self._stalled_s = stalled_s
        self._settled = settled
        self._leases_held = leases_held

    def answer(self, path: str, authorization: str) -> Answer:
        """The answer to a GET."""
        asked = {"/health": self._health, "/ready": self._ready}.get(path)
        if asked:
            return asked()
        if path != "/metrics":
            return _text(HTTPStatus.NOT_FOUND, "/metrics, /health and /ready are here.")
        if get_settings().metrics_token and not exposition.may_read(authorization):
            return _text(HTTPStatus.UNAUTHORIZED, "Send CARVEOUT['METRICS_TOKEN'] as bearer token.")
        text = exposition.text(self._pulse, self._leases_held)
        return HTTPStatus.OK, exposition.CONTENT_TYPE, text

    def _health(self) -> Answer:
        age_s = self._pulse.age_s
        told = {"worker": self._pulse.name, "last_turn_s": round(age_s, 1)}
        return _json(told, good=age_s < self._stalled_s)

    def _ready(self) -> Answer:
        told = readiness.databases() | readiness.redis() | {"partitions shared": self._settled()}
        return _json(told, good=all(told.values()))


def _json(told: dict[str, Any], *, good: bool) -> Answer:
    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    return status, "application/json", json.dumps(told).encode()


def _text(status: HTTPStatus, text: str) -> Answer:
    return status, "text/plain; charset=utf-8", text.encode()


@contextmanager
def serving(monitor: Monitor, host: str, port: int) -> Iterator[int]:
    """Answer inside the block. Gives: the port, chosen by the system if it is 0.

    Raises: PortTaken: nothing can be served there.
    """
    try:
        server = ThreadingHTTPServer((host, port), _handler(monitor))
    except (OSError, OverflowError) as error:
        raise PortTaken(f"Metrics can't be served at {host}:{port}: {error}.") from error
    server.daemon_threads = True
    server.block_on_close = False
    thread = Thread(target=server.serve_forever, name="monitor", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(monitor: Monitor) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_S

        def do_GET(self) -> None:
            try:
                answer = monitor.answer(
                    self.path.partition("?")[0], self.headers.get("Authorization", "")
                )
            except Exception:  # the next request may go well
                logger.exception("%s could not be answered", self.path)
                answer = _text(HTTPStatus.INTERNAL_SERVER_ERROR, "The worker's log says why.")
            finally:
                connections.close_all()  # they are of this thread
            self._send(*answer)

        def _send(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """A line per scrape would bury the worker's own."""

    return Handler
