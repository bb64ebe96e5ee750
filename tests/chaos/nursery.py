"""The nursery: one process that has the project loaded and forks its commands.

A start costs milliseconds instead of a second, so thousands of kills fit into an evening. Nothing
is connected or threaded before the fork: a child is as good as a process of its own.
"""

import ctypes
import faulthandler
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

PR_SET_PDEATHSIG = 1
GONE_TIMEOUT_S = 5.0
STACKS_S = 0.5
PROJECT = Path(__file__).with_name("project")
ROOT = PROJECT.parents[2]

Clock = tuple[float, float]
"""How many seconds a clock is off, and for how many seconds; then it is right."""


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """What a command of the project needs in its environment."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{PROJECT}:{ROOT}",
        "DJANGO_SETTINGS_MODULE": "settings",
        **env,
    }


class Nursery:
    """Starts commands of the project. Everything that it started ends with it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = environment(env)
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            cwd=PROJECT,
            env=self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Nursery":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._process.kill()
        with self._process:
            pass

    def start(self, *arguments: str, log: Path, clock: Clock | None = None) -> "Child":
        """A command that goes on. clock: how many seconds its clock is off, and for how long."""
        assert self._process.stdin and self._process.stdout
        order = json.dumps([str(log), clock, *arguments])
        print(order, file=self._process.stdin, flush=True)
        pid = self._process.stdout.readline()
        assert pid, "the nursery is gone"
        return Child(int(pid), log)

    def run(self, *arguments: str, log: Path, timeout_s: float = 60.0) -> None:
        """A command from start to end."""
        assert self.start(*arguments, log=log).wait(timeout_s), f"{arguments} goes on and on"


class Child:
    """A process that the nursery forked."""

    def __init__(self, pid: int, log: Path) -> None:
        self.pid, self._log = pid, log

    @property
    def running(self) -> bool:
        with suppress(ProcessLookupError):
            os.kill(self.pid, 0)
            return True
        return False

    @property
    def exit_code(self) -> int | None:
        """None: it is still running, or was killed."""
        found = re.search(rf"^{self.pid} ends with (\d+)$", self._log.read_text(), re.MULTILINE)
        return int(found[1]) if found else None

    def signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def show_stacks(self) -> None:
        """Let it write into its log what each of its threads does."""
        self.signal(signal.SIGUSR1)
        time.sleep(STACKS_S)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self.wait(GONE_TIMEOUT_S), f"{self.pid} outlives its death"

    def wait(self, timeout_s: float) -> bool:
        """Returns: did it end in time?"""
        deadline = time.monotonic() + timeout_s
        while self.running and time.monotonic() < deadline:
            time.sleep(0.005)
        return not self.running


def _main() -> None:
    import django

    django.setup()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are buried at once
    for line in sys.stdin:
        log, clock, *arguments = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(Path(log), clock, arguments)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _become(log: Path, clock: Clock | None, arguments: list[str]) -> None:
    """Run a command in this process, and end it."""
    from django.core.management import call_command
    from django.db import connections

    code = 1
    try:
        os.setsid()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(written, 1)
        os.dup2(written, 2)
        faulthandler.register(signal.SIGUSR1, all_threads=True)
        if clock:
            from clock import go_wrong

            go_wrong(*clock)
        call_command(*arguments)
        connections.close_all()
        code = 0
    except BaseException:  # also SystemExit: nothing of the parent's loop may go on here
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os.write(2, f"{os.getpid()} ends with {code}\n".encode())
        os._exit(code)


if __name__ == "__main__":
    _main()
