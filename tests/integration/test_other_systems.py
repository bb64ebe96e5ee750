"""Windows: what developers run on their own machines works there, and workers refuse plainly."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from carveout.runtime import unix
from tests.copies import ROOT

FILES = {
    "settings.py": """
import carveout

SECRET_KEY = "of no use"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
CARVEOUT = {"CONTEXTS": {"desk": {"apps": ["desk"]}, "depot": {"apps": ["depot"]}}}
INSTALLED_APPS = [
    "django.contrib.contenttypes", "django.contrib.auth", "rest_framework", "django_rq",
    "carveout", *carveout.hosted_apps(CARVEOUT),
]
RQ_QUEUES = carveout.rq_queues(CARVEOUT)
ROOT_URLCONF = "carveout.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
""",
    "desk/__init__.py": "",
    "desk/events.py": """
import carveout
from depot import models

class TicketOpened(carveout.Event, key="number"):
    number: str
""",
    "desk/test_desk.py": """
from django.db import transaction
import carveout
from carveout.testing import drain
from depot.subscribers import heard
from desk.events import TicketOpened

def test_events_arrive(db):
    with transaction.atomic():
        carveout.publish(TicketOpened(number="1"))
    drain()
    assert heard == ["1"]
""",
    "depot/__init__.py": "",
    "depot/models.py": "",
    "depot/subscribers.py": """
import carveout

heard = []

@carveout.subscribe("desk.TicketOpened")
def file_ticket(event):
    heard.append(event.key)
""",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(map(str, (project, ROOT)))
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.without_unix", *arguments],
        env={**os.environ, "PYTHONPATH": paths, "DJANGO_SETTINGS_MODULE": "settings"},
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["django", "check"], "no issues"),
        (["django", "survey"], "desk"),
        (["carveout", "survey", "--write"], "carveout-baseline.txt"),
        (["carveout", "plan"], "desk"),
        (["django", "contextmap"], "TicketOpened"),
        (["django", "contracts", "--write"], "desk"),
        (["pytest", "-q", "-p", "no:cacheprovider", "--carveout-record=out.json"], "1 passed"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_what_needs_no_unix_works_without(project, arguments, told):
    ran = run(project, *arguments)
    assert ran.returncode == 0, ran.stdout
    assert told in ran.stdout


def test_a_worker_refuses_plainly(project):
    ran = run(project, "django", "relay")
    assert ran.returncode == 1
    assert ran.stdout.startswith("CommandError: `relay` needs Linux or macOS")


@pytest.mark.parametrize(
    "command",
    [["relay", "--once"], ["consume", "orders", "--once"], ["work", "orders", "--once"], ["up"]],
    ids=lambda command: command[0],
)
def test_each_worker_refuses(monkeypatch, command):
    monkeypatch.setattr(unix, "fcntl", None)
    with pytest.raises(CommandError, match=f"`{command[0]}` needs Linux or macOS"):
        call_command(*command)
