"""Surveys of projects that change: each in a process of its own, forked from a warm one.

A start of Python and Django takes longer than the survey of a small project.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from tests.copies import ROOT


class Ran(NamedTuple):
    code: int
    out: str
    err: str


class Forks:
    """`run` is `python -m carveout …` in a folder; the process of each run ends with it."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.forks"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        )

    def run(self, folder: Path, settings: str, *arguments: str) -> Ran:
        asked = {"folder": str(folder), "settings": settings, "arguments": arguments}
        self._server.stdin.write(json.dumps(asked) + "\n")
        self._server.stdin.flush()
        return Ran(*json.loads(self._server.stdout.readline()))

    def close(self) -> None:
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()


@contextmanager
def forks() -> Iterator[Forks]:
    server = Forks()
    try:
        yield server
    finally:
        server.close()


# -- The warm process --------------------------------------------------------------------------


WARM = (
    "carveout.management.commands.survey",
    "django.contrib.admin",
    "django.contrib.messages.middleware",
    "django.contrib.sessions.middleware",
    "django.db.backends.sqlite3.base",
    "django.template.context_processors",
    "django.template.loader_tags",
    "django.views.generic",
)
"""What most runs import, and what needs no settings."""


def _serve() -> None:
    for name in WARM:
        import_module(name)
    for line in sys.stdin:
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            child = os.fork()
            if not child:
                _run(json.loads(line), out.fileno(), err.fileno())
            _, status = os.waitpid(child, 0)
            told = [os.waitstatus_to_exitcode(status), *map(_whole, (out, err))]
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


def _whole(file: Any) -> str:
    file.seek(0)
    return file.read()


def _run(asked: dict[str, Any], out: int, err: int) -> None:
    """Never returns."""
    code = 1
    try:
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.chdir(asked["folder"])
        os.environ["DJANGO_SETTINGS_MODULE"] = asked["settings"]
        sys.path[0] = asked["folder"]
        sys.argv = ["python -m carveout", *asked["arguments"]]
        from carveout.management.standalone import main

        main(sys.argv[1:])
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
