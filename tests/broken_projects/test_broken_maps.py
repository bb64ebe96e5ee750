"""What `manage.py contextmap --check` finds: each folder in `maps` is a project.

Its `expected.txt` is all that the check says.
"""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.copies import ROOT
from tests.forks import python

MAPS = Path(__file__).parent / "maps"
PROJECTS = [
    pytest.param(path.parent, id=path.parent.name) for path in sorted(MAPS.glob("*/expected.txt"))
]
SOUND = "The map is consistent.\n"


def contextmap(project: Path, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    return django(project, "contextmap", *options, **env)


def django(project: Path, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(map(str, (project, MAPS, ROOT)))
    whole = {**os.environ, "PYTHONPATH": paths, **env}
    return python("-m", "django", *command, "--settings", "together", folder=project, env=whole)


@pytest.mark.parametrize("project", PROJECTS)
def test_what_does_not_fit_is_found_with_file_and_line(project):
    expected = (project / "expected.txt").read_text()
    checked = contextmap(project, "--check")
    assert checked.stdout == expected, checked.stderr
    assert checked.returncode == (0 if expected.endswith(SOUND) else 1)


def test_of_a_context_without_a_contract_nothing_is_claimed():
    checked = contextmap(MAPS / "lookup_cycle", "--check", CONTEXTS="desk")
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout == (
        "notice: desk/lookups.py:20: Box reads depot.box;"
        " depot is not hosted here and its contract is missing.\n"
        "notice: desk/subscribers.py:8: desk.close handles depot.BoxPacked;"
        " depot is not hosted here and its contract is missing.\n" + SOUND
    )


def test_what_is_seen_otherwise_than_declared_is_found_with_file_and_line(valkey, tmp_path):
    project = MAPS / "seen_otherwise"
    env = {"REDIS_OF_MAP": valkey.url, "DATABASE_OF_MAP": str(tmp_path / "db.sqlite3")}
    migrated = django(project, "migrate", "-v0", **env)
    assert migrated.returncode == 0, migrated.stderr
    assert contextmap(project, "--check", **env).stdout == SOUND

    redis, now = valkey.client, time.time()
    redis.xadd("carveout:{desk.0}:stream", {"type": "desk.TicketOpened"}, id="1-0")
    redis.hset("carveout:tally:heard", "depot.eavesdrop desk.TicketOpened", 3)
    redis.hset("carveout:tally:last", "heard depot.eavesdrop desk.TicketOpened", now)
    redis.hset("carveout:contracts:since", "depot.pack", now - 3600)
    checked = contextmap(project, "--check", **env)
    found = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "WHEN", checked.stdout)
    assert found == (project / "expected_with_redis.txt").read_text(), checked.stderr
    assert checked.returncode == 1
