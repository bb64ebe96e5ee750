"""Who may import whom: the contracts of `.importlinter`, and that they have teeth."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import copies, house
from tests.copies import ROOT


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that tests may plant things in."""
    return copies.whole(tmp_path_factory.mktemp("boundaries") / "repository")


def make(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make with the environment that runs us, which is installed already."""
    return subprocess.run(
        ["make", *arguments, f"VENV={sys.prefix}", "stamp="],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def planted(path: Path, line: str) -> Iterator[None]:
    before = path.read_text() if path.exists() else None
    path.write_text(f"{before or ''}\n{line}\n")
    try:
        yield
    finally:
        path.unlink() if before is None else path.write_text(before)


def test_nobody_crosses_a_boundary():
    checked = make(ROOT, "boundaries")
    assert checked.returncode == 0, checked.stdout
    assert " 0 broken" in checked.stdout


def test_the_houses_rules_hold():
    assert [*house.faults()] == []


PUBLISHING = """
import sys
import django
from django.conf import settings
contexts = {"sale": {"apps": []}}
settings.configure(INSTALLED_APPS=["carveout"], CARVEOUT={"CONTEXTS": contexts})
django.setup()
import carveout.eventlog.publish
print(*sorted(each for each in sys.modules if each.startswith("carveout.consumers.")))
"""


def test_who_publishes_does_not_load_the_consumer():
    """`eager` is there to see that settings of tests ask for it; it loads the others only then."""
    ran = subprocess.run(
        [sys.executable, "-c", PUBLISHING], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    assert ran.stdout.split() == ["carveout.consumers.eager"]


def test_scenario_11_a_planted_import_fails_make_check(repository):
    assert "lint-imports" in make(repository, "--dry-run", "check").stdout
    with planted(repository / "orders/services.py", "import reviews.models"):
        checked = make(repository, "boundaries")
    assert checked.returncode != 0
    assert "orders is not allowed to import reviews" in checked.stdout
    assert "orders.services -> reviews.models" in checked.stdout


@pytest.mark.parametrize(
    ("file", "line", "complaint"),
    [
        ("reviews/services.py", "import shop.signin", "reviews is not allowed to import shop"),
        ("shop/views.py", "import orders.models", "shop is not allowed to import orders"),
        (
            "orders/services.py",
            "import carveout.eventlog.reader",
            "orders.services -> carveout.eventlog.reader",
        ),
        (
            "carveout/eventlog/relay.py",
            "import orders.models",
            "carveout.eventlog.relay -> orders.models",
        ),
        (
            "carveout/eventlog/reader.py",
            "import carveout.eventlog.relay",
            "carveout.eventlog.reader -> carveout.eventlog.relay",
        ),
        ("carveout/unheard_of.py", "", "carveout.unheard_of"),
    ],
)
def test_other_forbidden_imports_fail_too(repository, file, line, complaint):
    with planted(repository / file, line):
        checked = make(repository, "boundaries")
    assert checked.returncode != 0
    assert complaint in checked.stdout
