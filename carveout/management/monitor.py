"""The --metrics-port option of the workers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from django.core.management.base import CommandError, CommandParser

from carveout.monitor_views import NEEDED
from carveout.pulse import pulse

STALLED_S = 120.0
"""Longer than a job may take, and than RQ's worker waits for one."""


def add_monitor(parser: CommandParser) -> None:
    parser.add_argument(
        "--metrics-port", type=int, help="serve /metrics, /health and /ready here; default: nowhere"
    )
    parser.add_argument("--metrics-host", default="127.0.0.1", help="default: %(default)s")
    parser.add_argument(
        "--stalled-after",
        type=float,
        default=STALLED_S,
        metavar="SECONDS",
        help="/health fails if the loop has not turned for so long; default: %(default)s",
    )


@contextmanager
def monitored(
    name: str, options: dict[str, Any], tell: Callable[[str], None], **of_worker: Any
) -> Iterator[None]:
    """Serve what the options say inside the block.

    Raises: CommandError: prometheus-client is missing. PortTaken: the port can't be used.
    """
    pulse.name, host, port = name, options["metrics_host"], options["metrics_port"]
    if port is None:
        yield
        return
    if not find_spec("prometheus_client"):
        raise CommandError(NEEDED)
    from carveout import monitor

    watched = monitor.Monitor(pulse, stalled_s=options["stalled_after"], **of_worker)
    with monitor.serving(watched, host, port) as served:
        tell(f"metrics, health and readiness at http://{host}:{served}")
        yield
