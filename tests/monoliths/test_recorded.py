"""What the tests of two monoliths join, beside what the survey found without running them.

Slow: `make monoliths MONOLITHS="-k test_recorded"`. Base code works for the models of any app: a
form field, a serializer, a counter of related rows. What it joins is in no code that names both.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.monoliths.subject import Found, Subject
from tests.monoliths.subjects import NETBOX, SUBJECTS, found_of
from tests.servers import PostgresForTests, ValkeyForTests

LEAST = 0.9
pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]


@dataclass(frozen=True)
class Suite:
    subject: Subject
    command: tuple[str, ...]
    settings: str
    base: tuple[str, ...]
    """Apps of base code, and files of it in others."""

    def __str__(self) -> str:
        return self.subject.name

    def is_base(self, each: dict[str, Any]) -> bool:
        return each["source"] in self.base or each["file"] in self.base


(MISAGO,) = (each for each in SUBJECTS if each.name == "misago")
TESTED = [
    Suite(
        MISAGO,
        command=(
            *("pytest", "-q", "-p", "no:cacheprovider"),
            *("-c", os.devnull, "--rootdir={root}", "--carveout-root={root}"),
            "--carveout-record={file}",
            *("{root}/users", "{root}/threads", "{root}/notifications", "{root}/categories"),
            *("{root}/readtracker", "{root}/search", "{root}/acl", "{root}/legal"),
        ),
        settings="devproject.test_settings",
        base=("misago_admin",),
    ),
    Suite(
        NETBOX,
        command=(
            *("django", "test", "--testrunner", "carveout.carving.recorder.django_runner.Runner"),
            *("--carveout-root", "{root}", "--carveout-record", "{file}"),
            *("tenancy", "wireless", "users"),
        ),
        settings="netbox.settings",
        base=("(project)", "core", "extras", "utilities"),
    ),
]


@pytest.fixture
def servers() -> Iterator[dict[str, str]]:
    """Where the servers of these tests are, by the names that the settings read."""
    with closing(PostgresForTests()) as postgres, closing(ValkeyForTests()) as valkey:
        valkey.start()
        yield {
            "POSTGRES_HOST": postgres.socket_folder,
            "POSTGRES_DB": "postgres",
            "POSTGRES_USER": "postgres",
            "POSTGRES_PASSWORD": "",
            "REDIS_PORT": str(valkey.port),
        }


@pytest.mark.parametrize("tested", TESTED, ids=str)
def test_joins_of_a_recording_are_in_the_survey(tested, servers, tmp_path):
    recording = record(tested, servers, tmp_path / "record.json")
    found = found_of(tested.subject)
    joins = [
        each
        for each in recording["couplings"]
        if each["kind"] == "join" and each["target"] in found.survey["contexts"]
    ]
    print(f"{tested} | {recording['tests']} tests", end="")  # noqa: T201
    shares = [share(tested, found, joins, target) for target in ("target", "target_symbol")]
    print()  # noqa: T201
    assert shares[0] >= LEAST


def record(tested: Suite, servers: dict[str, str], file: Path) -> Any:
    """The recording of the monolith's own tests, whether or not all of them pass."""
    root = str(tested.subject.root)
    ran = subprocess.run(
        [
            *(tested.subject.python, "-W", "ignore", "-m"),
            *(each.format(root=root, file=file) for each in tested.command),
        ],
        env={**tested.subject.environment, "DJANGO_SETTINGS_MODULE": tested.settings, **servers},
        cwd=tested.subject.home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert file.exists(), ran.stdout[-3000:] + ran.stderr[-3000:]
    return json.loads(file.read_text())


def share(tested: Suite, found: Found, joins: list[dict[str, Any]], target: str) -> float:
    """How much of what other than base code joins is in the survey, by app and target."""
    known = {(each["source"], each[target]) for each in found.survey["couplings"]}
    by_code = {(each["source"], each[target]) for each in joins if not tested.is_base(each)}
    every = {(each["source"], each[target]) for each in joins}
    part = len(by_code & known) / len(by_code)
    missed = f", without {sorted(by_code - known)}" if by_code - known else ""
    of_base = len(every - by_code)
    print(f" | {len(every)} | {of_base} | {part:.0%}{missed}", end="", flush=True)  # noqa: T201
    return part
