"""Python programs that tests run: each in a process of its own, forked from a warm one.

A start of Python and Django takes longer than most of these programs.
"""

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.copies import ROOT

WARM = Path(__file__).with_name("warm.py")


class Ran(NamedTuple):
    code: int
    out: str
    err: str


class Forks:
    """`run` is `python -m carveout …` in a folder; each run has a process of its own."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, WARM],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        )

    def run(self, folder: Path, settings: str, *arguments: str) -> Ran:
        env = os.environ | {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": settings}
        ran = self.python("-W", "error", "-m", "carveout", *arguments, folder=folder, env=env)
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def python(
        self, *arguments: str, folder: Path, env: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run `python …` in a folder: `[-W error]`, then `-m module …` or `script …`.

        env: the whole environment. Don't use it where it matters what a process has imported.
        """
        asked = {"folder": str(folder), "env": dict(env), "arguments": arguments}
        self._server.stdin.write(json.dumps(asked) + "\n")
        self._server.stdin.flush()
        code, out, err = json.loads(self._server.stdout.readline())
        return subprocess.CompletedProcess(arguments, code, out, err)

    def close(self) -> None:
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()


@cache
def warm() -> Forks:
    """The one of this process; it ends with it."""
    server = Forks()
    atexit.register(server.close)
    return server


def python(
    *arguments: str | Path, folder: Path, env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    return warm().python(*map(str, arguments), folder=folder, env=env)
