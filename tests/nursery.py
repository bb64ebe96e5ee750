"""The nursery: one process that has a project loaded and forks its commands.

A start costs milliseconds instead of a second. Nothing is connected or threaded before the fork: a
child is as good as a process of its own.
"""

import ctypes
import faulthandler
import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

PR_SET_PDEATHSIG = 1
GONE_TIMEOUT_S = 5.0
STACKS_S = 0.5

Clock = tuple[float, float]
"""How many seconds a clock is off, and for how many seconds; then it is right."""


class Nursery:
    """Starts commands of a project. Everything that it started ends with it."""

    def __init__(self, project: Path, env: Mapping[str, str]) -> None:
        """project: the folder of `manage.py`. env: the whole environment."""
        self._ends = tempfile.TemporaryDirectory(prefix="nursery-")
        self._process = subprocess.Popen(
            [sys.executable, __file__, self._ends.name, str(os.getpid())],
            cwd=project,
            env=env,
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
        self._ends.cleanup()

    def start(self, *arguments: str, log: Path, clock: Clock | None = None) -> "Child":
        """A command that goes on. clock: how many seconds its clock is off, and for how long."""
        assert self._process.stdin and self._process.stdout
        order = json.dumps([str(log), clock, *arguments])
        print(order, file=self._process.stdin, flush=True)
        pid = self._process.stdout.readline()
        assert pid, "the nursery is gone"
        return Child(int(pid), Path(self._ends.name))

    def run(self, *arguments: str, log: Path, timeout_s: float = 60.0) -> int:
        """A command from start to end. Returns: its exit code."""
        return self.start(*arguments, log=log).wait(timeout_s)


class Child:
    """A process that the nursery forked."""

    def __init__(self, pid: int, ends: Path) -> None:
        """ends: the folder where the nursery notes how its children ended."""
        self.pid, self._end = pid, ends / str(pid)

    @property
    def running(self) -> bool:
        with suppress(ProcessLookupError):
            os.kill(self.pid, 0)
            return True
        return False

    def poll(self) -> int | None:
        """How it ended, as `subprocess` gives it. None: it is still running."""
        return None if self.running else int(self._end.read_text())

    def wait(self, timeout: float) -> int:
        """Raises: subprocess.TimeoutExpired."""
        deadline = time.monotonic() + timeout
        while self.running:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(0.005)
        return int(self._end.read_text())

    def ends_within(self, seconds: float) -> bool:
        """Wait for so long at most. Returns: has it ended?"""
        with suppress(subprocess.TimeoutExpired):
            self.wait(seconds)
        return not self.running

    def send_signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """It is gone when this returns."""
        self.send_signal(signal.SIGKILL)
        self.wait(GONE_TIMEOUT_S)

    def show_stacks(self) -> None:
        """Let it write into its log what each of its threads does."""
        self.send_signal(signal.SIGUSR1)
        time.sleep(STACKS_S)


# -- The process that forks --------------------------------------------------------------------


def _main(ends: Path, parent: int) -> None:
    _die_with_parent(signal.SIGKILL)
    if os.getppid() != parent:
        return
    sys.path[0] = str(Path.cwd())
    import django

    django.setup()
    from django.contrib.auth.hashers import PBKDF2PasswordHasher

    PBKDF2PasswordHasher.iterations = 1  # else half a second of a core for each who signs in
    gc.collect()
    gc.freeze()  # else each child would copy the pages of all objects when it collects
    signal.signal(signal.SIGCHLD, lambda *_: _note_ends(ends))
    for line in sys.stdin:
        log, clock, *arguments = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(Path(log), clock, arguments)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _note_ends(ends: Path) -> None:
    """Note the exit code of all that have ended, before their process ids are free.

    Called by a signal; another one waits until it is done.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    try:
        while ended := _ended():
            code = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
            (ends / str(ended.si_pid)).write_text(str(code))
            os.waitpid(ended.si_pid, 0)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ended() -> "os.waitid_result | None":
    with suppress(ChildProcessError):  # there are none
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return None


def _die_with_parent(number: signal.Signals) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


def _become(log: Path, clock: Clock | None, arguments: list[str]) -> None:
    """Run a command in this process, and end it."""
    from django.core.management import BaseCommand, execute_from_command_line

    if arguments[0] != "check":  # every other command would check the same code again
        BaseCommand.check = lambda *_, **__: None
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        _die_with_parent(signal.SIGKILL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(written, 1)
        os.dup2(written, 2)
        faulthandler.register(signal.SIGUSR1, all_threads=True)
        if clock:
            from clock import go_wrong

            go_wrong(*clock)
        sys.argv = ["manage.py", *arguments]
        execute_from_command_line(sys.argv)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    except BaseException:  # nothing of the parent's loop may go on here
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    _main(Path(sys.argv[1]), int(sys.argv[2]))
