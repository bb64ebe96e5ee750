"""What commands of the reference project load when they start: less to load, a faster start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import CheckMessage, Tags
from django.core.checks.registry import registry

import carveout.checks
from carveout.management.commands import relay
from tests.copies import ROOT

RUNNING = """
import sys
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
print("loaded:", *sys.modules)
"""
PAGES = (
    "carveout.admin",
    "carveout.operations.contextmap",
    "carveout.operations.rest",
    "carveout.operations.story",
    "django_rq.admin",
    "drf_spectacular.openapi",
    "drf_spectacular.views",
    "orders.admin",
    "orders.urls",
    "shop.urls",
)
TOOLS = (
    "carveout.carving.plan.plan",
    "carveout.carving.ratchet.ratchet",
    "carveout.carving.recorder.recorder",
    "carveout.carving.survey.project",
)


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start_up")
    loaded_by(folder, "migrate", "--verbosity=0")
    return folder


def loaded_by(state_dir: Path, *command: str) -> set[str]:
    """The modules that a command has loaded when it ends."""
    here = {"CARVEOUT_DIR": str(state_dir), "DJANGO_SETTINGS_MODULE": "shop.settings"}
    ran = subprocess.run(
        [sys.executable, "-c", RUNNING, *command],
        cwd=ROOT,
        env=os.environ | here,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return {*ran.stdout.rpartition("loaded:")[2].split()}


@pytest.mark.parametrize("worker", [["relay"], ["consume", "orders"], ["work", "notifications"]])
def test_workers_load_no_pages_and_no_tools(state_dir, worker):
    loaded = loaded_by(state_dir, *worker, "--once")
    assert "orders.subscribers" in loaded
    assert loaded.isdisjoint(PAGES + TOOLS), sorted(loaded & {*PAGES, *TOOLS})


def test_workers_run_every_check_but_those_of_pages():
    def of_the_project(**_: object) -> list[CheckMessage]:
        return []

    registry.register(of_the_project)  # it has no tag
    try:
        chosen = {*relay.Command().requires_system_checks}
        left_out = [each for each in registry.registered_checks if chosen.isdisjoint(each.tags)]
    finally:
        registry.registered_checks.discard(of_the_project)
    assert carveout.checks.check_urls in left_out
    assert all({Tags.admin, Tags.urls} & {*each.tags} for each in left_out)


def test_check_loads_the_pages_but_no_tools(tmp_path):
    loaded = loaded_by(tmp_path, "check")
    assert {"carveout.admin", "orders.admin", "shop.urls"} <= loaded
    assert loaded.isdisjoint(TOOLS), sorted(loaded & {*TOOLS})


def test_garbage_is_collected_but_not_among_what_was_loaded(state_dir):
    asked = "import gc; print(gc.isenabled(), gc.get_freeze_count() > 100_000)"
    ran = subprocess.run(
        [sys.executable, "manage.py", "shell", "--verbosity=0", "-c", asked],
        cwd=ROOT,
        env={**os.environ, "CARVEOUT_DIR": str(state_dir)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split() == ["True", "True"]
