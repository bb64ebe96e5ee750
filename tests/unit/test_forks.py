"""A forked Python does what a new one does, and leaves nothing to the next."""

import os
import subprocess
import sys

import pytest

from tests.forks import python

PROGRAM = """
import os, sys
print(__name__, sys.argv, os.environ["NAME"], os.getcwd(), sys.stdin.read())
print("warned", file=sys.stderr)
raise SystemExit({end!r})
"""
IMPORTING = "import sys; print('colorsys' in sys.modules); import colorsys"


@pytest.mark.parametrize("end", [None, 0, 3, "Nothing was done."])
@pytest.mark.parametrize("way", ["code", "module", "script"])
def test_it_ends_and_prints_like_a_new_one(way, end, tmp_path):
    text = PROGRAM.format(end=end)
    (tmp_path / "program.py").write_text(text)
    ways = {"code": ("-c", text), "module": ("-m", "program"), "script": ("program.py",)}
    arguments = (*ways[way], "--option", "a b")
    env = {**os.environ, "NAME": "value"}
    forked = python(*arguments, folder=tmp_path, env=env)
    new = subprocess.run(
        [sys.executable, *arguments],
        cwd=tmp_path,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (forked.returncode, forked.stdout) == (new.returncode, new.stdout)
    assert forked.stderr == new.stderr


def test_what_one_imports_the_next_has_not(tmp_path):
    for _ in range(2):
        assert python("-c", IMPORTING, folder=tmp_path, env=os.environ).stdout == "False\n"


def test_what_is_to_be_imported_first_is_there(tmp_path):
    code = "import sys; print('xmlrpc.server' in sys.modules)"
    told = python("-c", code, folder=tmp_path, env=os.environ, imports=["xmlrpc.server"])
    assert told.stdout == "True\n"


def test_warnings_are_errors_where_they_are_asked_to_be(tmp_path):
    code = "import warnings; warnings.warn('old', stacklevel=1)"
    assert python("-c", code, folder=tmp_path, env=os.environ).returncode == 0
    assert python("-W", "error", "-c", code, folder=tmp_path, env=os.environ).returncode == 1
