"""What `python -m carveout` tells of a project that does not start: the cause, and its own line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.copies import ROOT
from tests.forks import python

BASE = """
SECRET_KEY = "planted"
INSTALLED_APPS = ["goods"]
LOGGING = {
    "version": 1,
    "handlers": {"file": {"class": "logging.FileHandler", "filename": "/no/such/shop.log"}},
    "root": {"handlers": ["file"]},
}
"""
FROM_BASE = "from mart.base import *\nLOGGING = {}\n"
NEEDED = """
import os
from mart.base import *

def needed(name):
    try:
        return os.environ[name]
    except KeyError as error:
        raise RuntimeError(f"Set {name}.") from error

TOKEN = needed("NOT_SET")
"""
OF_A_CLASS = """
from configurations import Configuration

class Dev(Configuration):
    SECRET_KEY = "planted"
    LOGGING = {"version": 1, "root": {"handlers": ["nobody"]}}
"""


def told(folder: Path, settings: str, *arguments: str, **env: str) -> list[str]:
    """The lines that say why it does not start."""
    for package in ("mart", "goods"):
        (folder / package).mkdir()
        (folder / package / "__init__.py").touch()
    (folder / "manage.py").touch()
    (folder / "mart" / "base.py").write_text(BASE)
    (folder / "mart" / "settings.py").write_text(settings)
    ran = python(
        *("-m", "carveout", "survey", "--settings", "mart.settings", *arguments),
        folder=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
    )
    assert ran.returncode == 1, ran.stdout + ran.stderr
    *lines, last = ran.stderr.replace(f"{folder}/", "").splitlines()
    assert last.startswith("Its settings must load")
    return lines


@pytest.mark.parametrize(
    ("settings", "lines"),
    [
        pytest.param(
            "from mart.base import *",
            [
                "ValueError: Unable to configure handler 'file'",
                "  caused by FileNotFoundError: [Errno 2] No such file or directory:"
                " '/no/such/shop.log'",
                "  at mart/base.py:4, LOGGING; --traceback shows the whole stack.",
            ],
            id="a log file in a folder that is not there",
        ),
        pytest.param(
            f"{FROM_BASE}import json\nFLAGS = json.loads('{{')",
            [
                "JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column"
                " 2 (char 1)",
                "  at mart/settings.py:4; --traceback shows the whole stack.",
            ],
            id="an error inside a library",
        ),
        pytest.param(
            NEEDED,
            [
                "RuntimeError: Set NOT_SET.",
                "  caused by KeyError: 'NOT_SET'",
                "  at mart/settings.py:7; --traceback shows the whole stack.",
            ],
            id="an error with a cause of the project's own",
        ),
        pytest.param(
            f"{FROM_BASE}INSTALLED_APPS += ['ordres']",
            [
                "ModuleNotFoundError: No module named 'ordres'",
                "  at mart/settings.py:3, INSTALLED_APPS; --traceback shows the whole stack.",
            ],
            id="an app that is not there",
        ),
        pytest.param(
            f"{FROM_BASE}NAMES = (",
            [
                "SyntaxError: '(' was never closed (settings.py, line 3)",
                "  at mart/settings.py:3; --traceback shows the whole stack.",
            ],
            id="no Python",
        ),
        pytest.param(
            f"{FROM_BASE}TIME_ZONE = 'No/Where'",
            [
                "ValueError: Incorrect timezone setting: No/Where",
                "  with the settings mart.settings; --traceback shows the whole stack.",
            ],
            id="a value that Django refuses",
        ),
    ],
)
def test_the_cause_and_the_innermost_line_of_the_project_are_told(tmp_path, settings, lines):
    assert told(tmp_path, settings) == [f"The project does not start: {lines[0]}", *lines[1:]]


def test_a_setting_of_a_class_of_settings_is_found(tmp_path):
    lines = told(tmp_path, OF_A_CLASS, DJANGO_CONFIGURATION="Dev")
    assert "mart/settings.py:6, LOGGING;" in lines[-1]


def test_a_project_that_lies_behind_a_link_is_its_own(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    link = str(tmp_path / "link")
    lines = told(tmp_path / "link", f"{FROM_BASE}1 / 0", "--pythonpath", link)
    assert lines[-1] == "  at mart/settings.py:3; --traceback shows the whole stack."


def test_a_python_without_django_is_told_where_to_install():
    ran = subprocess.run(
        [sys.executable, "-S", "-m", "carveout", "survey"],  # -S: no installed packages
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"{sys.executable} has no Django. Install")
