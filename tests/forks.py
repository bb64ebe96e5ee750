"""Python programs that tests run: each in a process of its own, forked from a warm one.

A start of Python and Django takes longer than most of these programs.
"""

import atexit
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
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
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )

    def run(self, folder: Path, settings: str, *arguments: str) -> Ran:
        ours = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        env = os.environ | ours | {"DJANGO_SETTINGS_MODULE": settings}
        ran = self.python("-W", "error", "-m", "carveout", *arguments, folder=folder, env=env)
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def python(
        self, *arguments: str, folder: Path, env: Mapping[str, str], imports: Sequence[str] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run `python …` in a folder: `[-W error]`, then `-m module …`, `-c code …` or `script …`.

        env: the whole environment. imports: modules that the warm process is to import first, if
        it has not. Don't use it where it matters what a process has imported.
        """
        asked = {
            "folder": str(folder),
            "env": dict(env),
            "arguments": arguments,
            "imports": imports,
        }
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
    *arguments: str, folder: Path, env: Mapping[str, str], imports: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    return warm().python(*arguments, folder=folder, env=env, imports=imports)


def ran(line: str, folder: Path, env: Mapping[str, str], imports: Sequence[str] = ()) -> str:
    """Run a line that a page shows: `NAME=value python …`. Returns: what it printed."""
    words = shlex.split(line)
    program = words.index("python")
    own = dict(each.split("=", 1) for each in words[:program])
    done = python(*words[program + 1 :], folder=folder, env={**env, **own}, imports=imports)
    return done.stdout + done.stderr
