"""Commands of a project as real processes that a test starts, pauses, kills and starts again."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from carveout.runtime.processes import session_members
from tests.eventually import eventually
from tests.nursery import Child, Nursery

END_TIMEOUT_S, RUN_TIMEOUT_S = 20.0, 250.0
TAIL_LINES = 60


class Process:
    """One `manage.py` command. It can be started again after it ended; its log goes on."""

    def __init__(
        self,
        name: str,
        arguments: tuple[str, ...],
        folder: Path,
        env: Mapping[str, str],
        log: Path,
        nursery: Callable[[], Nursery | None] = lambda: None,
    ) -> None:
        """nursery: what to fork it from, if anything: it starts at once, with the same code."""
        self.name, self.arguments, self.folder = name, arguments, folder
        self.env, self.log, self._nursery = env, log, nursery
        self._started: list[subprocess.Popen[bytes] | Child] = []
        self._printed_before = 0

    def __repr__(self) -> str:
        return f"<{self.name}: {'running' if self.running else 'not running'}>"

    @property
    def running(self) -> bool:
        return bool(self._started) and self._started[-1].poll() is None

    @property
    def pid(self) -> int:
        return self._started[-1].pid

    def start(self) -> None:
        assert not self.running, self
        self._printed_before = len(self.printed())
        nursery = self._nursery()
        self._started.append(
            nursery.start(*self.arguments, log=self.log) if nursery else self._start_anew()
        )

    def _start_anew(self) -> subprocess.Popen[bytes]:
        follow = (sys.executable, "-m", "carveout.runtime.die_with_parent", str(os.getpid()))
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*follow, sys.executable, "manage.py", *self.arguments],
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_it_says(self, text: str) -> None:
        """Since it was started the last time. If it has ended, there is nothing to wait for."""
        eventually(lambda: text in self.printed()[self._printed_before :] or not self.running)

    def kill(self) -> None:
        """End it with -9: nothing of it gets to tidy up. What it started lives on."""
        self._started[-1].kill()
        self.wait()

    def terminate(self) -> int:
        """Ask it to end, and wait. Returns: its exit code."""
        self.ask_to_end()
        return self.wait()

    def ask_to_end(self) -> None:
        self._started[-1].terminate()

    def interrupt(self) -> None:
        """What Ctrl-C in a terminal sends."""
        self._started[-1].send_signal(signal.SIGINT)

    def wait(self, timeout_s: float = END_TIMEOUT_S) -> int:
        """Returns: its exit code. Raises: subprocess.TimeoutExpired."""
        return self._started[-1].wait(timeout_s)

    def pause(self) -> None:
        self._started[-1].send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._started[-1].send_signal(signal.SIGCONT)

    def end(self) -> None:
        """End it and all that it ever started."""
        for process in self._started:
            for pid in session_members(process.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait(END_TIMEOUT_S)

    def printed(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def tail(self) -> str:
        return "\n".join(self.printed().splitlines()[-TAIL_LINES:])


def run(
    *arguments: str,
    folder: Path,
    env: Mapping[str, str],
    nursery: Nursery | None = None,
    timeout_s: float = RUN_TIMEOUT_S,
) -> str:
    """A `manage.py` command from start to end. Returns: what it printed.

    nursery: what to fork it from; it knows folder and environment.

    Raises: AssertionError: it failed; with what it printed.
    """
    with tempfile.TemporaryDirectory() as place:
        log = Path(place, "log")
        process = Process("run", arguments, folder, env, log, lambda: nursery)
        process.start()
        code = process.wait(timeout_s)
        printed = log.read_text()
    assert code == 0, f"manage.py {' '.join(arguments)}:\n{printed}"
    return printed
