"""Sides: processes that do a piece of work whenever they are asked to."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "bench" / "project"
END_TIMEOUT_S = 10.0


def environment(settings: str, env: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours, with Django's settings and a path that everything here is found on."""
    return {
        **os.environ,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{PROJECT}",
        "DJANGO_SETTINGS_MODULE": settings,
        **(env or {}),
    }


class SideFailed(Exception):
    """A side answered with an error, or not at all."""


class Side:
    """A module in a process of its own, whose functions can be called from here."""

    def __init__(
        self,
        module: str,
        settings: str,
        env: Mapping[str, str] | None = None,
        *,
        folder: Path = ROOT,
        python: str | Path = sys.executable,
    ) -> None:
        """folder: the project whose modules it finds first."""
        self._module = module
        self._process = subprocess.Popen(
            [str(python), "-m", "bench.serve", module],
            cwd=folder,
            env=environment(settings, env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def call(self, function: str, *arguments: Any) -> Any:
        """Raises: SideFailed: its last words are in the message."""
        assert self._process.stdin
        assert self._process.stdout
        try:
            print(json.dumps([function, *arguments]), file=self._process.stdin, flush=True)
        except BrokenPipeError as error:
            raise SideFailed(f"{self._module} is gone.") from error
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"error": "it is gone"}
        if "error" in answer:
            raise SideFailed(f"{self._module}.{function}: {answer['error']}")
        return answer["result"]

    def close(self) -> None:
        """Let it end by itself, with whatever it started."""
        self._process.stdin.close()
        try:
            self._process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> "Side":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
