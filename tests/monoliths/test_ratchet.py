"""The ratchet on a copy of a real monolith that hundreds of random commits go through.

Slow: `make monoliths` runs it. COMMITS in the environment says how many; SEED which.
"""

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.copies import ROOT
from tests.forks import Ran
from tests.harmless import harmless
from tests.monoliths.subject import HERE
from tests.monoliths.subjects import SUBJECTS
from tests.ratchets import Code

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
COMMITS = int(os.environ.get("COMMITS", "300"))
SEED = int(os.environ.get("SEED", "1"))
OSCAR = next(each for each in SUBJECTS if each.name == "oscar")


class Oscar(Code):
    package = "oscar.apps."
    apps = ("basket", "catalogue", "customer", "offer", "order", "partner", "shipping", "wishlists")

    def survey(self, *arguments: str) -> Ran:
        root = self.folder.parent
        path = os.pathsep.join(map(str, (root.parent, ROOT, HERE)))
        ran = subprocess.run(
            [OSCAR.python, "-m", "carveout", "survey", "--root", str(root), *arguments],
            env=os.environ | {"PYTHONPATH": path, "DJANGO_SETTINGS_MODULE": OSCAR.settings},
            cwd=root.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def couple(self, number: int) -> str:
        code, kind, target = [
            ("    from oscar.apps.order.utils import Nothing\n", "import", "utils.Nothing"),
            ("    import oscar.apps.order.utils\n", "import", "utils"),
        ][number % 2]
        self.append("wishlists/utils.py", f"\n\ndef need_{number}():\n{code}")
        return f"{kind}: oscar.apps.wishlists.utils.need_{number} -> oscar.apps.order.{target}"


@pytest.fixture
def oscar(tmp_path: Path) -> Oscar:
    OSCAR.run("-c", "pass")  # installs it
    shutil.copytree(OSCAR.root, tmp_path / "oscar", ignore=shutil.ignore_patterns("__pycache__"))
    code = Oscar(tmp_path / "oscar/apps")
    assert code.survey("--write").code == 0
    code.git("init", "-q", "-b", "main")
    code.commit("Begin")
    return code


def test_hundreds_of_random_commits_alarm_nobody_and_each_coupling_between_them_does(oscar):
    chance = random.Random(SEED)
    found, expected, alarms, broken = [], [], [], 0
    for number in range(COMMITS):
        name = harmless(oscar, chance)
        ran = oscar.survey("--check")
        if "Traceback" in ran.err:  # not every random change leaves code that Django can load
            broken += 1
            oscar.undo("HEAD~1")
        elif ran.code:
            alarms.append((number, name, ran.out))
            oscar.undo("HEAD~1")
        if number % 10 == 0:
            expected.append(oscar.couple(number))
            found += oscar.check()
            oscar.undo()
    told = f"{COMMITS - broken} commits, {len(alarms)} alarms, {len(found)} couplings found"
    print(told)  # noqa: T201 -- for who runs it
    assert alarms == []
    assert found == expected
    assert broken < COMMITS / 5
