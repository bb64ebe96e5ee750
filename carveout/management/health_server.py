"""The --metrics-port option of the workers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from django.core.management.base import CommandError, CommandParser

from carveout.operations.health.views import NEEDED
from carveout.telemetry.liveness import liveness

STALLED_S = 120.0
"""Longer than a job may take, and longer than RQ's worker waits for a job."""


def add_monitor(parser: CommandParser) -> None:
    parser.add_argument(
        "--metrics-port",
        type=int,
        help="port for /metrics, /health and /ready; default: none",
    )
    parser.add_argument("--metrics-host", default="127.0.0.1", help="default: %(default)s")
    parser.add_argument(
        "--stalled-after",
        type=float,
        default=STALLED_S,
        metavar="SECONDS",
        help="/health fails if the worker's loop stalls for this long; default: %(default)s",
    )


@contextmanager
def monitored(
    name: str, options: dict[str, Any], print_line: Callable[[str], None], **of_worker: Any
) -> Iterator[None]:
    """Serves metrics and health inside the block, as the options say.

    Raises: CommandError: prometheus-client is missing. PortTaken: the port can't be used.
    """
    liveness.name, host, port = name, options["metrics_host"], options["metrics_port"]
    if port is None:
        yield
        return
    if not find_spec("prometheus_client"):
        raise CommandError(NEEDED)
    from carveout.operations.health import server

    watched = server.HealthServer(liveness, stalled_s=options["stalled_after"], **of_worker)
    with server.serving(watched, host, port) as served:
        print_line(f"metrics, health and readiness are at http://{host}:{served}")
        yield
