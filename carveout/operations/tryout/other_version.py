"""Runs another version of the code: its files from git, in a process of their own."""

import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from django.conf import settings

from carveout.errors import CarveoutError


class VersionUnknown(CarveoutError):
    """git has no such version, or the project is not in git. The message has git's words."""


class VersionFailed(CarveoutError):
    """The other version did not run. The message has its last words."""


@contextmanager
def checked_out(revision: str, manage: Path) -> Iterator[Path]:
    """The files of a revision in a folder of their own, until the end of the block.

    manage: the project's manage.py. Gives: that of the revision.
    Raises: VersionUnknown
    """
    top = Path(_git(manage.parent, "rev-parse", "--show-toplevel").decode().strip())
    files = _git(top, "archive", revision)
    with tempfile.TemporaryDirectory(prefix="carveout-tryout-") as folder:
        with tarfile.open(fileobj=BytesIO(files)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder) / manage.resolve().relative_to(top.resolve())


def _git(folder: Path, *arguments: str) -> bytes:
    try:
        git = shutil.which("git") or "git"
        done = subprocess.run([git, *arguments], cwd=folder, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise VersionUnknown("git is not installed.") from error
    if done.returncode:
        raise VersionUnknown(f"git {' '.join(arguments)}: {done.stderr.decode().strip()}")
    return done.stdout


def lines(manage: Path, arguments: Sequence[str]) -> Iterator[str]:
    """Run a command of the other version with the databases of this one, and give its lines.

    Raises: VersionFailed
    """
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, str(manage), *arguments],
            cwd=manage.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        if process.stdin is None or process.stdout is None:
            raise VersionFailed
        print(json.dumps(database_names()), file=process.stdin, flush=True)
        try:
            yield from process.stdout
        finally:
            process.stdout.close()
            process.stdin.close()
            code = process.wait()
        if code:
            errors.seek(0)
            raise VersionFailed(f"The other version ended with {code}:\n{errors.read()[-2000:]}")


def all_at_once(lines: Iterator[str]) -> Iterator[str]:
    """The same lines, but the version that prints them ends before the first is given.

    Two versions that run at the same time would wait for each other's rows.
    """
    with tempfile.TemporaryFile("w+") as kept:
        kept.writelines(lines)
        kept.seek(0)
        yield from kept


def database_names() -> dict[str, str]:
    """Where this version's databases are: a file may be named relative to the code."""
    return {alias: str(config["NAME"]) for alias, config in settings.DATABASES.items()}
