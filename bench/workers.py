"""The kit's workers as real processes."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from bench.side import ROOT, environment

LOOK_EVERY_S = 0.01
TIMEOUT_S = 60.0


class WorkerProcess:
    """`manage.py relay`, `manage.py consume CONTEXT` …, or another module that runs them."""

    def __init__(
        self, *arguments: str, module: str = "django", env: dict[str, str] | None = None
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=environment("bench.project.settings", env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> "WorkerProcess":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(TIMEOUT_S / 4)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def relay_and_consumer(context: str) -> Iterator[list[int]]:
    """They host the publisher and one subscriber. Yields: their process ids."""
    env = {"CONTEXTS": f"source,{context}"}
    relay, consumer = WorkerProcess("relay", env=env), WorkerProcess("consume", context, env=env)
    with relay, consumer:
        yield [relay.pid, consumer.pid]


def eventually(condition: Callable[[], object], every_s: float = LOOK_EVERY_S) -> None:
    """Raises: TimeoutError"""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(condition)
        time.sleep(every_s)
