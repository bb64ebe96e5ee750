"""Features that only Unix has. The survey, plan, ratchet and checks do not use them."""

import os
import signal
import sys
from collections.abc import Callable
from typing import IO

from carveout.errors import CarveoutError

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]


class SystemUnsupported(CarveoutError):
    """This system lacks a feature that a command needs. The message has the fix."""


def require(command: str) -> None:
    """Raises: SystemUnsupported: workers can't run here."""
    if fcntl is None or not hasattr(os, "fork") or not hasattr(signal, "setitimer"):
        raise SystemUnsupported(
            f"`{command}` needs Linux or macOS: it interrupts handlers with signals that"
            f" {sys.platform} lacks. Run it in a container or in WSL. `survey`, `plan` and `check`"
            " work here."
        )


def lock(file: IO[str], *, shared: bool = False, wait: bool = True) -> bool:
    """Lock a file until it is closed. Returns: whether it worked; always true without locks."""
    if fcntl is None:
        return True
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(file, kind if wait else kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def after_fork(function: Callable[[], object]) -> None:
    """Call the function in each process that is forked from this one."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=function)
