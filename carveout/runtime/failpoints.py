"""Failpoints: named points where a test can kill, stop or fail the process.

`CARVEOUT_FAILPOINT="<name>=kill"` (or `=stop`, `=raise`; `=kill@3` at the third time) arms one.
Without that variable `reach` does nothing.
"""

import os
import signal
from collections.abc import Callable
from itertools import count

from carveout.errors import CarveoutError

NAMES = (
    "publish: stored",
    "relay: positions given",
    "relay: sequenced",
    "relay: read",
    "relay: shipped",
    "consumer: read",
    "consumer: handled",
    "consumer: cursor moved",
    "consumer: committed",
    "job: enqueued",
    "job: taken",
    "attempt: claimed",
    "attempt: handled",
    "attempt: removed",
    "attempt: committed",
)


class FailpointReached(CarveoutError):
    """A test armed this failpoint to raise."""


def _act(action: str, name: str) -> None:
    if action == "raise":
        raise FailpointReached(name)
    os.kill(os.getpid(), signal.SIGKILL if action == "kill" else signal.SIGSTOP)


def _armed(setting: str) -> Callable[[str], None]:
    armed, _, how = setting.partition("=")
    action, _, at = how.partition("@")
    if armed not in NAMES or action not in ("kill", "stop", "raise"):
        raise CarveoutError(f"CARVEOUT_FAILPOINT={setting!r}: known names are {', '.join(NAMES)}.")
    times = count(1)

    def reach(name: str) -> None:
        if name == armed and next(times) == int(at or 1):
            _act(action, name)

    return reach


def _nothing(name: str) -> None:
    """Do nothing: no failpoint is armed."""


reach = _armed(os.environ["CARVEOUT_FAILPOINT"]) if "CARVEOUT_FAILPOINT" in os.environ else _nothing
