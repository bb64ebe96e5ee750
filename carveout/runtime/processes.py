"""Runs child processes that start and end together, with one coloured log."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle
from pathlib import Path
from typing import TextIO

COLOURS = ("36", "33", "32", "35", "31", "34", "36;1", "33;1", "32;1", "35;1", "31;1", "34;1")
"""Of a terminal, in ANSI's codes."""
GRACE_S = 10.0
"""How long children may finish their work after SIGTERM before they are killed."""
READ_S = 1.0
"""How long to wait for last lines: a daemon left by a child may keep the pipe open."""


@dataclass(frozen=True)
class Child:
    """A child process in its own session, and the thread that reads its output."""

    name: str
    command: tuple[str, ...]
    process: subprocess.Popen[bytes]
    reader: threading.Thread


class Processes:
    """Starts commands, prints their lines with their names, and ends them all.

    Start them from a thread that outlives them: on Linux they end with that thread.
    """

    def __init__(self, env: Mapping[str, str], output: TextIO, name_width: int = 8) -> None:
        self.env = {**os.environ, **env, "PYTHONUNBUFFERED": "1"}
        self.children: list[Child] = []
        self._output, self._width = output, name_width
        self._colours = cycle(COLOURS if output.isatty() else [""])
        self._printing = threading.Lock()

    def start(self, name: str, *command: str) -> Child:
        process = subprocess.Popen(
            [sys.executable, "-m", "carveout.runtime.die_with_parent", str(os.getpid()), *command],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal reaches only this process
        )
        colour = next(self._colours)
        reader = threading.Thread(target=self._print, args=(name, colour, process), daemon=True)
        reader.start()
        child = Child(name, command, process, reader)
        self.children.append(child)
        return child

    def kill(self, name: str) -> tuple[str, ...]:
        """End a child and its descendants at once. Returns: its command, to start it again.

        Raises: KeyError: no child has this name.
        """
        child = {each.name: each for each in self.children}[name]
        self._kill(child)
        self.children.remove(child)
        return child.command

    def run(self, name: str, *command: str) -> int:
        """Start a command and wait for it. Returns: its exit code."""
        child = self.start(name, *command)
        code = child.process.wait()
        child.reader.join(READ_S)
        self.children.remove(child)
        return code

    def ended(self) -> Child | None:
        """The first child that has ended, if any."""
        return next((child for child in self.children if child.process.poll() is not None), None)

    def stop(self) -> None:
        """End all children and their descendants. A second Ctrl-C kills at once."""
        try:
            self._terminate()
        except KeyboardInterrupt:
            self.say("killing the remaining processes")
        finally:
            for child in self.children:
                self._kill(child)
            self.children.clear()

    def say(self, line: str, name: str = "", colour: str = "") -> None:
        prefix = f"{datetime.now():%H:%M:%S} {name:<{self._width}} | "
        if colour:
            prefix = f"\033[0m\033[{colour}m{prefix}\033[0m"
        with self._printing:
            print(prefix + line, file=self._output, flush=True)

    def _print(self, name: str, colour: str, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout  # noqa: S101 (piped above)
        with process.stdout as lines:
            for line in lines:
                self.say(line.decode(errors="replace").rstrip("\n"), name, colour)

    def _terminate(self) -> None:
        for child in self.children:
            child.process.terminate()
        deadline = time.monotonic() + GRACE_S
        for child in self.children:
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, deadline - time.monotonic()))

    def _kill(self, child: Child) -> None:
        for pid in session_members(child.process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        child.process.wait()
        child.reader.join(READ_S)


def session_members(session: int, proc: Path = Path("/proc")) -> Iterable[int]:
    """The living processes of a session: a child and any that it left behind.

    Outside Linux: only the child.
    """
    for pid in [int(entry.name) for entry in proc.glob("[0-9]*")] or [session]:
        with suppress(ProcessLookupError):
            if os.getsid(pid) == session:
                yield pid
