"""The alert rules, the dashboard and the page on monitoring name metrics that there are."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from carveout.operations import metrics
from carveout.telemetry.logging import ABOUT
from tests.copies import ROOT

MONITORING = ROOT / "docs" / "monitoring"
ALERTS = MONITORING / "alerts.yml"
DASHBOARD = MONITORING / "grafana.json"
NAME = re.compile(r"\bcarveout_[a-z_]+")

no_promtool = pytest.mark.skipif(
    not shutil.which("promtool"), reason="no promtool; Debian has it in the package prometheus"
)


def exposed() -> set[str]:
    names = set()
    for metric in metrics.ALL:
        ends = ("_count", "_sum") if metric.kind == "summary" else ("",)
        names |= {metric.shown + end for end in ends}
    return names


@pytest.mark.parametrize("file", [ALERTS, DASHBOARD], ids=lambda file: file.name)
def test_only_metrics_are_named_that_exist(file: Path):
    named = set(NAME.findall(file.read_text()))
    assert len(named) > 10
    assert named - exposed() == set()


def test_the_dashboard_shows_every_metric():
    assert exposed() - set(NAME.findall(DASHBOARD.read_text())) == set()


@pytest.mark.parametrize("file", [ALERTS, DASHBOARD], ids=lambda file: file.name)
def test_only_labels_are_grouped_by_that_a_metric_has(file: Path):
    labels = {label for metric in metrics.ALL for label in metric.labels} | {"instance"}
    grouped = re.findall(r"by \(([a-z, ]+)\)", file.read_text())
    assert {label for group in grouped for label in group.split(", ")} - labels == set()


def test_the_panels_do_not_overlap():
    panels = json.loads(DASHBOARD.read_text())["panels"]
    corners = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(corners)) == len({panel["id"] for panel in panels}) == len(panels)


def test_every_alert_says_what_to_do():
    text = ALERTS.read_text()
    alerts = text.count("- alert:")
    assert text.count("description:") == text.count("summary:") == alerts


@no_promtool
def test_prometheus_takes_the_rules_and_they_fire_when_everything_stands_still():
    tested = ROOT / "tests" / "integration" / "alerts.yml"
    assert set(re.findall(r"- alert: (\w+)", ALERTS.read_text())) <= set(
        re.findall(r"\bCarveout\w+", tested.read_text())
    )
    for command in (["check", "rules", ALERTS], ["test", "rules", tested]):
        ran = subprocess.run(["promtool", *command], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_page_lists_all_metrics_with_labels_and_meaning():
    page = (ROOT / "docs" / "howto" / "monitor.md").read_text()
    listed = re.findall(r"^\| `(carveout_\w+)` \| ([^|]+) \| (.+) \|$", page, re.MULTILINE)
    assert [
        (name, re.findall(r"`(\w+)`", labels), meaning) for name, labels, meaning in listed
    ] == [(metric.shown, [*metric.labels], metric.meaning) for metric in metrics.ALL]


def test_the_page_lists_what_a_line_of_json_may_hold():
    page = (ROOT / "docs" / "howto" / "monitor.md").read_text().split("## Logs")[1]
    listed = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert set(listed) - {"time", "level", "logger", "message", "exception", "stack"} == set(ABOUT)
