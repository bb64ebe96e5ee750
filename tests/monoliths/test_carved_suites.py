"""The tests of two monoliths pass before calls between their apps are carved and afterwards.

Slow: `make monoliths MONOLITHS="-k test_carved_suites"`. What a suite fails before does not count:
Misago pins an older Django than the engine runs on, and its wheel lacks some files of its tests.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.copies import ROOT
from tests.monoliths.subject import FOR_CARVING, HERE, INSTALLED
from tests.servers import PostgresForTests

FOR_ENGINE = ("djangorestframework>=3.16", "PyJWT>=2.10", "urllib3>=2.2", "redis>=5", "hiredis")
FOR_US = ("msgspec>=0.19", *FOR_CARVING, "pytest-django", "pytest-mock", "pytest-xdist<3.7")
WORKERS = os.environ.get("CARVED_WORKERS", "2")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]


@dataclass(frozen=True)
class Monolith:
    name: str
    installs: tuple[tuple[str, ...], ...]
    """What pip is asked to install, in turn."""
    settings: tuple[str, str]
    """As they are; and with Carveout."""
    calls: Mapping[str, str]
    """The functions that other apps call, or receivers of their rows; and the key, if needed."""
    seams: int
    tests: tuple[str, ...]
    """Files or folders of its tests, below its package. The rest of RDMO's take hours."""
    proof: tuple[str, ...]
    """Those of them that need what the carved functions do."""
    source: str = ""
    """Its tests are only in the source distribution."""
    edits: Mapping[str, str] = field(default_factory=dict)
    """What a person changes first, because `carve` asks for it."""

    def __str__(self) -> str:
        return self.name

    @property
    def home(self) -> Path:
        return INSTALLED / f"{self.name}-carved"

    def install(self) -> None:
        """In an environment of its own; the first call takes minutes."""
        marker, wanted = self.home / "installed", repr((self.installs, self.source))
        if marker.exists() and marker.read_text() == wanted:
            return
        subprocess.run([sys.executable, "-m", "venv", "--clear", self.home], check=True)
        pip = (self.home / "bin/pip", "--quiet")
        for each in self.installs:
            subprocess.run([*pip, "install", *each], check=True)
        if self.source:
            download = (
                "download",
                "--no-deps",
                "--no-binary",
                ":all:",
                "--dest",
                self.home / "source",
            )
            subprocess.run([*pip, *download, self.source], check=True)
        marker.write_text(wanted)

    def copy(self, to: Path) -> Path:
        """Its code, which tests change. Returns: the folder that is on the path."""
        if self.source:
            (archive,) = (self.home / "source").glob("*.tar.gz")
            with tarfile.open(archive) as file:
                file.extractall(to, filter="data")
            return next(to.iterdir())
        (packages,) = self.home.glob("lib/python*/site-packages")
        shutil.copytree(packages / self.name, to / self.name)
        return to


MONOLITHS = [
    Monolith(
        "misago",
        installs=(
            ("misago==0.39.6",),
            ("--no-deps", "-U", "Django==5.2.*", "asgiref", "sqlparse", *FOR_ENGINE),
            ("--no-deps", "rq", "croniter", "execnet", *FOR_US),
            ("networkx", "libcst", "sqlglot"),
        ),
        settings=("devproject.test_settings", "misago_site.carved"),
        calls={
            "misago.cache.versions.invalidate_cache": "cache_name",
            "misago.notifications.threads.watch_replied_thread": "thread.id",
            "misago.notifications.threads.watch_started_thread": "thread.id",
            "misago.users.bans.ban_user": "",
            "misago.users.models.user.User.mark_for_delete": "",
        },
        seams=10,
        tests=("*/",),
        proof=("notifications", "threads/tests/test_posting_api.py", "legal", "conf", "themes"),
    ),
    Monolith(
        "rdmo",
        installs=(("rdmo[allauth,openapi]==2.5.2", *FOR_ENGINE, *FOR_US),),
        settings=("config.settings", "rdmo_site.carved"),
        calls={
            **{
                f"rdmo.projects.handlers.{row}_changed.{receiver.format(row)}": ""
                for row in ("task", "view")
                for receiver in (
                    "{}_changed_availability_handler",
                    "m2m_changed_{}_catalog_signal",
                    "m2m_changed_{}_sites_signal",
                    "m2m_changed_{}_groups_signal",
                )
            }
        },
        seams=8,
        tests=(
            *("projects/tests/test_handlers*", "projects/tests/test_command*"),
            *("projects/tests/test_models*", "tasks", "views"),
        ),
        proof=("projects/tests/test_handlers*",),
        source="rdmo==2.5.2",
        edits={
            "instance, action, **kwargs": "instance, action, reverse, **kwargs",
            " and action in": " and not reverse and action in",
        },
    ),
]


@dataclass
class Carved:
    monolith: Monolith
    folder: Path
    servers: Mapping[str, str]

    @property
    def package(self) -> Path:
        return self.folder / self.monolith.name

    def run(self, settings: str, *arguments: str | Path, **env: str) -> str:
        path = (self.folder, self.folder / "testing", ROOT, HERE)
        ran = subprocess.run(
            [self.monolith.home / "bin/python", "-W", "ignore", *arguments],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(map(str, path)),
                "DJANGO_SETTINGS_MODULE": settings,
                "SECRET_KEY": "for these tests only",
                **self.servers,
                **env,
            },
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return ran.stdout + ran.stderr

    def passing(self, settings: str, tests: tuple[str, ...], **env: str) -> set[str]:
        """The names of the tests that pass."""
        report = self.folder / "report.xml"
        report.unlink(missing_ok=True)
        plugins = ("-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:warnings")
        printed = self.run(
            settings,
            *(
                "-m",
                "pytest",
                "-q",
                "-n",
                WORKERS,
                *plugins,
                "-c",
                os.devnull,
                f"--junitxml={report}",
            ),
            *(f"--rootdir={self.folder}", "--ignore-glob=*/e2e/*"),
            *(path for each in tests for path in sorted(self.package.glob(each))),
            **env,
        )
        assert report.exists(), printed[-3000:]
        return {
            f"{case.get('classname')}.{case.get('name')}"
            for case in ET.parse(report).iter("testcase")  # noqa: S314 (pytest wrote it)
            if not len(case)
        }

    def edit(self) -> None:
        for file in (self.package / "projects/handlers").glob("*.py"):
            text = file.read_text()
            for old, new in self.monolith.edits.items():
                text = text.replace(old, new)
            file.write_text(text)

    def carve(self) -> int:
        """Returns: how many calls became seams."""
        calls = [f"{name}:{key}" if key else name for name, key in self.monolith.calls.items()]
        printed = self.run(self.monolith.settings[1], HERE / "carved.py", self.package, *calls)
        lines = [json.loads(line) for line in printed.splitlines() if line.startswith('{"name"')]
        assert {each["name"] for each in lines} == {*self.monolith.calls}, printed
        assert not any(each["said"] for each in lines), printed
        return sum(each["seams"] for each in lines)


@pytest.fixture(params=MONOLITHS, ids=str)
def carved(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Carved]:
    monolith: Monolith = request.param
    monolith.install()
    with closing(PostgresForTests()) as postgres:
        servers = {
            "POSTGRES_HOST": postgres.socket_folder,
            "POSTGRES_DB": "postgres",
            "POSTGRES_USER": "postgres",
            "POSTGRES_PASSWORD": "",
        }
        yield Carved(monolith, monolith.copy(tmp_path), servers)
    shutil.rmtree(tmp_path)


def test_what_passed_before_passes_with_seams_in_both_modes(carved):
    plain, with_carveout = carved.monolith.settings
    before = carved.passing(plain, carved.monolith.tests)
    carved.edit()
    assert carved.carve() == carved.monolith.seams
    direct = carved.passing(with_carveout, carved.monolith.tests)
    events = carved.passing(with_carveout, carved.monolith.tests, SEAMS="events")
    deaf = {"SEAMS": "events", "DELIVERY": "inline"}  # in a TestCase nothing is delivered then
    needed = carved.passing(with_carveout, carved.monolith.proof)
    missed = needed - carved.passing(with_carveout, carved.monolith.proof, **deaf)
    print(  # noqa: T201
        f"{carved.monolith}: {carved.monolith.seams} calls of {len(carved.monolith.calls)}"
        f" functions; {len(before)} tests pass before, {len(direct & before)} direct,"
        f" {len(events & before)} with events; {len(missed)} fail if the events are not delivered"
    )
    assert not before - direct
    assert not before - events
    assert missed
