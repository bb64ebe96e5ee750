"""Runs a command that ends with its parent, also when the parent is killed with -9.

    python -m carveout.runtime.die_with_parent PARENT_PID COMMAND…

Only Linux can do this. Elsewhere the command simply runs.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent_pid: int, command: list[str]) -> None:
    """Replace this process with the command. It gets SIGTERM when the starting thread ends.

    Source: https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent_pid:  # it ended before the call
            sys.exit(f"{command[0]}: the parent {parent_pid} is gone")
    os.execvp(command[0], command)  # noqa: S606 (the caller's own command, no shell)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
