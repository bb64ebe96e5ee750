"""Tells what is no effect: Carveout's own work, database connections, bytecode, logging.

It is really done, also where effects are caught. What a log handler does is logging, even if it
sends a mail.
"""

import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

from carveout.seams.effects.outside.block import EffectBlock, suspended
from carveout.seams.effects.outside.wrapping import wrap

OWN = (
    "carveout.redis.",
    "carveout.lookups.http",
    "carveout.deliveries.job_queue",
    "carveout.telemetry.counters",
    "carveout.telemetry.batch_traces",
)
"""Modules of Carveout that talk to others, and never call code of the project."""
HARMLESS = frozenset(
    {
        ("importlib._bootstrap_external", "set_data"),  # bytecode
        ("importlib._bootstrap_external", "_write_atomic"),
        ("django.db.backends.base.base", "connect"),
        ("django.core.mail.backends.filebased", "__init__"),  # it makes its folder
    }
)
REDIS, HTTP = "redis", "http"
CARRIERS = {
    "redis.connection": REDIS,
    "valkey.connection": REDIS,
    "http.client": HTTP,
    "urllib3.connection": HTTP,
}
"""What these send is seen where they send it, so that they connect is no effect."""


def install() -> None:
    wrap(logging.Logger, "callHandlers", _log)


def _log(block: EffectBlock, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    with suspended():
        return original(*args, **kwargs)


def is_harmless() -> bool:
    """Whether what the current code does is no effect."""
    return any(_is_harmless(*place) for place in _callers())


def carriers() -> set[str]:
    """The libraries whose connections the current code uses: `REDIS`, `HTTP`."""
    return {CARRIERS[module] for module, _ in _callers() if module in CARRIERS}


def _is_harmless(module: str, function: str) -> bool:
    return (module, function) in HARMLESS or module == "tempfile" or module.startswith(OWN)


def _callers() -> Iterator[tuple[str, str]]:
    """The module and function of each frame, from the inside outwards."""
    frame = sys._getframe(1)
    while frame is not None:
        yield str(frame.f_globals.get("__name__", "")), frame.f_code.co_name
        frame = frame.f_back  # type: ignore[assignment]
