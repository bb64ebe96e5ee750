"""`manage.py demo` live: parts are killed, and a subscriber joins, while customers order."""

import re
import subprocess
import sys

from tests import processes
from tests.acceptance.test_up import left_of
from tests.copies import ROOT
from tests.databases import ENVIRONMENT

NAME_WIDTH = 28
PARTS = {"mail": "e-mails", "notifications": "e-mails", "redis": "events"}
"""By part: what waits while it is down."""


def tables(printed: str) -> dict[str, dict[str, list[float]]]:
    """By part and row: the numbers before, during and after the outage, and in the end."""
    found: dict[str, dict[str, list[float]]] = {}
    rows: dict[str, list[float]] = {}
    for line in printed.splitlines():
        name, cells = line[:NAME_WIDTH].strip(), line[NAME_WIDTH:]
        if line.endswith("in the end"):
            rows = found[name.split()[0]] = {}
        elif numbers := re.findall(r"\d+(?:\.\d+)?", cells):
            before_carving = "tangled: orders taken" in rows and name == "orders lost"
            rows["lost before carving" if before_carving else name] = [*map(float, numbers)]
    return found


def test_no_outage_loses_an_order_here_and_each_does_before_carving(tmp_path):
    env = {**ENVIRONMENT, "CARVEOUT_DIR": str(tmp_path)}
    broken = ("--break", ",".join(PARTS), "--for", "2")
    printed = processes.run("demo", *broken, folder=ROOT, env=env)

    assert printed.rstrip().endswith("No order was lost, and everything that waited has arrived.")
    found = tables(printed)
    assert {*found} == {*PARTS}, printed
    for part, waits in PARTS.items():
        rows = found[part]
        assert rows["orders lost"] == [0, 0, 0, 0], printed
        assert all(rows["carved: orders taken"][:3]), printed
        assert rows[f"{waits} waiting"][1] and not rows[f"{waits} waiting"][3], printed
        assert bool(rows["lost before carving"][1]) == (part != "redis"), printed
    assert left_of(tmp_path / "demo") == {}


def test_a_part_that_does_not_exist_is_refused():
    done = subprocess.run(
        [sys.executable, "manage.py", "demo", "--break", "mial"],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "CommandError: --break 'mial': Did you mean 'mail'?\n"


def test_a_new_subscriber_gets_all_history_and_nothing_upstream_changes(tmp_path):
    env = {**ENVIRONMENT, "CARVEOUT_DIR": str(tmp_path)}
    printed = processes.run(
        "demo", "--add-subscriber", "--orders", "60", "--for", "2", folder=ROOT, env=env
    )
    found = {line[:NAME_WIDTH].strip(): line[NAME_WIDTH:].split() for line in printed.splitlines()}
    assert found["orders before it started"] == ["60", "60", "ok"]
    assert found["processes that ended"] == ["0", "0", "ok"]
    assert found["changed files of orders"] == ["0", "0", "ok"]
    assert found["arrows to it on the map"] == ["1", "1", "ok"]
    assert "WRONG" not in printed
    assert printed.rstrip().endswith("none of its processes restarted.")
    assert left_of(tmp_path / "demo") == {}
