"""Two versions of a handler over the log's past: what differs is found, and nothing stays."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from carveout.operations.tryout import other_version
from carveout.operations.tryout.result import NotAlike, compare
from tests.copies import ROOT
from tests.integration.test_unlinking import url_of

PAST = """
import django; django.setup()
from carveout.consumers.inline import deliver
from carveout.seams import switch
from till.management.commands.sell import run
switch.current = lambda seam: switch.SeamState(mode="events")
run(30, 1, 8, 0, 0)
deliver()
"""
"""Sales that are handled already."""


class Versions:
    """A project under git, with a log."""

    def __init__(self, folder: Path, url: str, redis_url: str) -> None:
        self.folder = folder
        self.env = {
            **os.environ,
            "DATABASE_URL": url,
            "REDIS_URL": redis_url,
            "DJANGO_SETTINGS_MODULE": "settings",
            "PYTHONPATH": str(ROOT),
        }

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self.env | env,
            capture_output=True,
            text=True,
            check=False,
        )

    def git(self, *arguments: str) -> None:
        who = ("-c", "user.name=Maria", "-c", "user.email=maria@example.org")
        subprocess.run(["git", *who, *arguments], cwd=self.folder, check=True, capture_output=True)

    def edit(self, old: str, new: str) -> None:
        path = self.folder / "ledger/subscribers.py"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def tryout(self, *arguments: str) -> str:
        done = self.run("manage.py", "tryout", *(arguments or ("ledger.book", "--against", "HEAD")))
        return done.stdout + done.stderr


@pytest.fixture(params=[pytest.param("sqlite", marks=pytest.mark.slow), "postgres"])
def versions(request: pytest.FixtureRequest, tmp_path: Path, redis_url: str) -> Iterator[Versions]:
    folder = tmp_path / "till"
    shutil.copytree(ROOT / "tests/shadowed", folder, ignore=shutil.ignore_patterns("__pycache__"))
    with url_of(request, tmp_path) as url:
        ours = Versions(folder, url, redis_url)
        assert ours.run("manage.py", "migrate", "-v0").returncode == 0
        done = ours.run("-c", PAST, DELIVERY="inline")
        assert done.returncode == 0, done.stderr
        ours.git("init", "-q")
        ours.git("add", "-A")
        ours.git("commit", "-qm", "The first version")
        yield ours


ROWS = """
import hashlib
import django; django.setup()
from django.apps import apps
for model in apps.get_models(include_auto_created=True):
    rows = sorted(map(repr, model._base_manager.values_list()))
    print(model._meta.label, len(rows), hashlib.sha256("".join(rows).encode()).hexdigest())
"""


def test_a_planted_change_is_found_and_grouped_and_no_row_changes(versions):
    before = versions.run("-c", ROWS).stdout
    assert "ledger.Entry 0 " not in before
    same = versions.tryout("ledger.book", "--against", "HEAD", "--emptied", "--events", "20")
    assert same.splitlines()[0].endswith("20 equal, 0 different, 0 not comparable")

    versions.edit("total, email, number = sale.total,", "total, email, number = sale.total + 1,")
    versions.edit("email, total, lines, **how", "email, total, lines[:2], **how")
    printed = versions.tryout("ledger.book", "--against", "HEAD", "--emptied")
    heading, *groups = printed.splitlines()
    assert heading == (
        "30 events of ledger.book, HEAD and this code: 0 equal, 30 different, 0 not comparable"
    )
    kinds = {each.split(": ")[1] for each in groups if " different: " in each}
    assert kinds >= {"ledger_account.balance", "mail.body", "ledger_entry", "event ledger.Booked"}
    assert "Today's rows answered for yesterday's events: till.sale." in printed

    handled = versions.tryout("ledger.book", "--against", "HEAD")
    assert "30 equal, 0 different" in handled
    assert "both raised for" in handled
    assert "IntegrityError" in handled
    assert versions.run("-c", ROWS).stdout == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("orders.nothing", "--against", "HEAD"), "There is no subscription 'orders.nothing' here"),
        (("reviews.mark_verified",), "Name the other version: --against HEAD~1."),
    ],
)
def test_bad_input_is_told(arguments, says):
    with pytest.raises(CommandError, match=says):
        call_command("tryout", *arguments)


def test_git_s_own_words_are_told(tmp_path):
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    with (
        pytest.raises(other_version.VersionUnknown, match="git archive nowhere: fatal"),
        other_version.checked_out("nowhere", tmp_path / "manage.py"),
    ):
        pass


def test_a_version_that_does_not_run_is_told_in_its_own_words(tmp_path):
    manage = tmp_path / "manage.py"
    manage.write_text("import gone\n")
    with pytest.raises(other_version.VersionFailed, match="No module named 'gone'"):
        list(other_version.lines(manage, ["tryout"]))


@pytest.mark.parametrize("ours", [[], ['{"key": "2", "unknown": "x"}']])
def test_a_version_with_other_events_is_told(ours):
    with pytest.raises(NotAlike, match="did not get the same events"):
        compare(['{"key": "1", "unknown": "x"}'], ours)
