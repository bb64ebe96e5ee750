"""Installed without extras, the kit is small, surveys a project, and names the extra that plans it.

Slow: pip installs into a fresh environment. The engine's own tests run without the libraries of
carving in `make versions`, in the environments named `base`.
"""

import subprocess
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path
from shutil import copytree

import pytest

from tests.acceptance.test_wheel import build_wheel
from tests.copies import LEFT_OUT, ROOT
from tests.pages import plain_environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

BESIDES = {"asgiref", "django", "djangorestframework", "pip", "setuptools", "sqlparse", "tzdata"}
"""What is there before, Django and its REST framework with what they need."""
MB_MAX = 20


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", build_wheel(folder / "wheel")]
    subprocess.run(install, check=True)
    return python


def size(of: Distribution) -> int:
    return sum(
        path.stat().st_size
        for each in of.files or ()
        if (path := Path(of.locate_file(each))).exists()
    )


def test_it_brings_little_beside_django(python: Path):
    (packages,) = python.parent.parent.glob("lib/python*/site-packages")
    sizes = {each.name.lower(): size(each) for each in distributions(path=[str(packages)])}
    brought = {name: size for name, size in sizes.items() if name not in BESIDES}
    assert {"codeowners", "libcst", "networkx", "sqlglot"}.isdisjoint(brought)
    assert 1 < sum(brought.values()) / 1e6 <= MB_MAX, brought


def test_it_surveys_and_says_what_a_plan_needs(python: Path, tmp_path: Path):
    project = copytree(ROOT / "examples" / "tangled", tmp_path / "tangled", ignore=LEFT_OUT)

    def carveout(command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, "-m", "carveout", command, "--settings", "config.settings"],
            cwd=project,
            env=plain_environment(),
            capture_output=True,
            text=True,
            check=False,
        )

    surveyed, planned = carveout("survey"), carveout("plan")
    assert surveyed.returncode == 0, surveyed.stderr
    assert "notifications" in surveyed.stdout
    assert planned.returncode == 1
    assert planned.stderr == (
        "CommandError: `plan` needs codeowners 0.8 or newer (it is not installed), libcst 1.5 or"
        " newer (it is not installed), networkx 3.2 or newer (it is not installed), sqlglot 26 or"
        " newer (it is not installed): run pip install 'django-carveout[carving]'.\n"
    )
