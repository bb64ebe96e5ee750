"""Serves a worker's metrics, health and readiness over HTTP, in a thread beside its loop."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from django.db import connections

from carveout.conf import get_settings
from carveout.errors import CarveoutError
from carveout.operations.health import readiness
from carveout.operations.metrics import prometheus
from carveout.operations.metrics.process import LeasesHeld
from carveout.telemetry.liveness import Liveness

logger = logging.getLogger(__name__)

REQUEST_S = 5.0
"""How long a client may take to send its request."""

Answer = tuple[HTTPStatus, str, bytes]


class PortTaken(CarveoutError):
    """Nothing can be served at the given port; the message says why."""


class HealthServer:
    """Answers requests about one worker."""

    def __init__(
        self,
        liveness: Liveness,
        *,
        stalled_s: float,
        is_balanced: Callable[[], bool] = lambda: True,
        leases_held: LeasesHeld = tuple,
    ) -> None:
        """stalled_s: a loop without a turn for this long is unhealthy."""
        self._liveness = liveness
        self._stalled_s = stalled_s
        self._is_balanced = is_balanced
        self._leases_held = leases_held

    def answer(self, path: str, authorization: str) -> Answer:
        """Returns the answer to a GET."""
        asked = {"/health": self._health, "/ready": self._ready}.get(path)
        if asked:
            return asked()
        if path != "/metrics":
            return _text(HTTPStatus.NOT_FOUND, "Only /metrics, /health and /ready exist here.")
        if get_settings().metrics_token and not prometheus.may_read(authorization):
            needed = "Send CARVEOUT['METRICS_TOKEN'] as a bearer token."
            return _text(HTTPStatus.UNAUTHORIZED, needed)
        text = prometheus.text(self._liveness, self._leases_held)
        return HTTPStatus.OK, prometheus.CONTENT_TYPE, text

    def _health(self) -> Answer:
        age_s = self._liveness.age_s
        report = {"worker": self._liveness.name, "last_turn_s": round(age_s, 1)}
        return _json(report, good=age_s < self._stalled_s)

    def _ready(self) -> Answer:
        report = (
            readiness.databases() | readiness.redis() | {"partitions shared": self._is_balanced()}
        )
        return _json(report, good=all(report.values()))


def _json(report: dict[str, Any], *, good: bool) -> Answer:
    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    return status, "application/json", json.dumps(report).encode()


def _text(status: HTTPStatus, text: str) -> Answer:
    return status, "text/plain; charset=utf-8", text.encode()


@contextmanager
def serving(monitor: HealthServer, host: str, port: int) -> Iterator[int]:
    """Serve inside the block. Yields: the port, chosen by the system if it is 0.

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


def _handler(monitor: HealthServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_S

        def do_GET(self) -> None:
            try:
                answer = monitor.answer(
                    self.path.partition("?")[0], self.headers.get("Authorization", "")
                )
            except Exception:  # the next request may succeed
                logger.exception("%s could not be answered", self.path)
                answer = _text(HTTPStatus.INTERNAL_SERVER_ERROR, "See the worker's log.")
            finally:
                connections.close_all()  # they belong to this thread
            self._send(*answer)

        def _send(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Logs nothing: a line per scrape would bury the worker's own."""

    return Handler
