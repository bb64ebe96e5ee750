"""Relations of real monoliths become ids, or are refused with a reason.

Slow: `make monoliths MONOLITHS="-k test_unlink"`. In a copy, the first relation of each app that
can be unlinked is; after that, `makemigrations` finds what it found before, and nothing else.
"""

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.copies import ROOT
from tests.monoliths.subject import HERE, Subject
from tests.monoliths.subjects import SUBJECTS
from tests.monoliths.test_defects import NOT_READ

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
MIGRATING = "from {} import *\nMIGRATION_MODULES = {{}}\n"
WITHOUT_MIGRATIONS = ("pretix",)
"""Their settings are those of tests, which leave migrations out."""


@dataclass(frozen=True)
class Copy:
    subject: Subject
    folder: Path

    def run(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        path = [self.folder if self.subject.on_path else self.folder.parent, ROOT, HERE]
        ours = {
            "PYTHONPATH": os.pathsep.join(map(str, [self.folder.parent, *path])),
            "DJANGO_SETTINGS_MODULE": (
                "migrating" if self.subject.name in WITHOUT_MIGRATIONS else self.subject.settings
            ),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        ran = subprocess.run(
            [self.subject.python, "-W", "ignore", *arguments],
            env={**self.subject.environment, **ours},
            cwd=self.folder.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode in codes and "Traceback" not in ran.stderr, ran.stderr
        return ran.stdout

    def to_migrate(self) -> list[str]:
        """What makemigrations would do, without the names of files, which count migrations."""
        check = ("--skip-checks", "--check", "--dry-run")
        shown = self.run("-m", "django", "makemigrations", *check, codes=(0, 1))
        return [line for line in shown.splitlines() if not line.rstrip().endswith(".py")]


@pytest.fixture(params=SUBJECTS, ids=str)
def copied(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Copy]:
    subject: Subject = request.param
    subject.run("-c", "pass")  # installs it
    folder = shutil.copytree(subject.root, tmp_path / subject.folder, ignore=NOT_READ)
    (tmp_path / "migrating.py").write_text(MIGRATING.format(subject.settings))
    yield Copy(subject, Path(folder))
    shutil.rmtree(tmp_path)


BY_HAND = {"wagtail": [("contrib/search_promotions/forms.py", '            "page",\n', "")]}
"""What a person does about uses that it lists, without which the project does not start."""


def test_relations_become_ids_or_are_refused_with_a_reason(copied):
    before = copied.to_migrate()
    lines: list[Any] = [
        json.loads(line)
        for line in copied.run(
            str(HERE / "unlinked.py"), str(copied.folder), "--write"
        ).splitlines()
        if line.startswith('{"name"')
    ]
    for file, old, new in BY_HAND.get(copied.subject.name, ()):
        assert any(file in each.get("by_hand", ()) for each in lines)
        text = (copied.folder / file).read_text()
        assert old in text
        (copied.folder / file).write_text(text.replace(old, new))
    assert lines
    assert copied.to_migrate() == before
    can_be = [each for each in lines if not each["refused"]]
    written = [each for each in lines if each.get("written")]
    for each in written:
        assert any("migrations/" in file for file in each["written"])
    traits = Counter(trait for each in can_be for trait in each["traits"])
    print(  # noqa: T201
        f"{copied.subject}: {len(lines)} relations, {len(can_be)} can be ids, {len(written)} are;"
        f" {', '.join(f'{count} {name}' for name, count in traits.most_common())}"
    )
