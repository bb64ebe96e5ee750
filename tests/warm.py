"""The warm process of `forks`: it has loaded what most runs import, and forks a process for each.

It runs as a script and loads nothing of `tests`: projects have packages of that name.
"""

import atexit
import gc
import json
import os
import runpy
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

SURVEY = (
    "carveout.management.commands.survey",
    "django.contrib.admin",
    "django.contrib.messages.middleware",
    "django.contrib.sessions.middleware",
    "django.db.backends.sqlite3.base",
    "django.template.context_processors",
    "django.template.loader_tags",
    "django.views.generic",
)
"""What most surveys import, without a warning, and what needs no settings."""
LIBRARIES = (
    "django.contrib.postgres.fields",
    "django.core.management.commands.check",
    "django.test.client",
    "jsonschema",
    "jwt",
    "prometheus_client",
    "psycopg",
    "pytest",
    "redis.asyncio",
    "rest_framework.serializers",
    "rq",
    "unittest.mock",
)
"""What most other programs import, and what needs no settings."""


def _serve() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _import(SURVEY)
    _import(LIBRARIES)
    gc.collect()
    gc.freeze()  # else each child would copy the pages of all objects when it collects
    ours = os.environ["PYTHONPATH"]
    installed = [path for path in sys.path[1:] if path != ours]
    for line in sys.stdin:
        asked = json.loads(line)
        _import(asked["imports"])
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            child = os.fork()
            if not child:
                _run(asked, installed, out.fileno(), err.fileno())
            _, status = os.waitpid(child, 0)
            told = [os.waitstatus_to_exitcode(status), *map(_whole, (out, err))]
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


def _import(names: Iterable[str]) -> None:
    for name in names:
        import_module(name)


def _whole(file: Any) -> str:
    file.seek(0)
    return file.read()


def _run(asked: dict[str, Any], installed: list[str], out: int, err: int) -> None:
    """Never returns."""
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["env"])
        sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
        sys.path[:] = [asked["folder"], *_python_path(), *installed]
        _python(asked["arguments"])
        code = 0
    except SystemExit as ended:
        code = _exit_code(ended)
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _python_path() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def _exit_code(ended: SystemExit) -> int:
    """As Python does it: a code that is not a number is printed."""
    if ended.code is None or isinstance(ended.code, int):
        return ended.code or 0
    sys.stderr.write(f"{ended.code}\n")
    return 1


def _python(arguments: list[str]) -> None:
    """What `python …` does. Options: only `-W error`."""
    if arguments[:2] == ["-W", "error"]:
        sys.warnoptions.append("error")
        warnings.simplefilter("error")
        arguments = arguments[2:]
    if arguments[:2] == ["-m", "pytest"]:
        _forget_ours()
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    elif arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        sys.modules["__main__"] = main = ModuleType("__main__")
        exec(compile(arguments[1], "<string>", "exec"), vars(main))  # noqa: S102 - as asked
    else:
        sys.argv = arguments
        sys.path[0] = str(Path(arguments[0]).resolve().parent)
        runpy.run_path(sys.argv[0], run_name="__main__")


def _forget_ours() -> None:
    """Pytest rewrites the asserts of its plugins; it warns of a plugin that is imported already."""
    for name in [each for each in sys.modules if each.partition(".")[0] == "carveout"]:
        del sys.modules[name]


if __name__ == "__main__":
    _serve()
