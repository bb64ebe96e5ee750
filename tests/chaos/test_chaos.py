"""The short form of chaos, and the proof that its checker has teeth."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.faults import ALL, Weights
from tests.chaos.run import Plan, Report, Run
from tests.chaos.stores import Templates

pytestmark = pytest.mark.chaos

EVENTS, FAULTS = 20_000, 150
SEED = 20_000

KILLS: Weights = {"kill consumer": 1}
PAUSES: Weights = {"pause consumer": 1}
PLANTED = {
    "cursor_outside_the_transaction": (Plan(1, 2_000, 30, weights=KILLS), "doubled"),
    "batch_without_a_transaction": (Plan(1, 2_000, 30, weights=KILLS), "doubled"),
    "cursor_without_comparison": (
        Plan(1, 2_000, 30, engine="postgres", weights=PAUSES, batch_s=0.1),
        "doubled",
    ),
    "ids_that_redis_gives": (Plan(1, 1_000, 10, weights={"pause relay": 1}), "doubled"),
    "no_gap_check": (Plan(1, 1_000, 20, weights={"redis trim": 1}), "lost"),
    "no_sweeper": (Plan(1, 1_000, 20, weights={"redis flush": 1}), "lost"),
}
"""By mistake: the run that brings it to light, and what it has to be found guilty of."""


@pytest.fixture(scope="session")
def templates(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Templates]:
    folder = tmp_path_factory.mktemp("templates")
    return Templates(folder, lambda: request.getfixturevalue("postgres"))


def carry_out(plan: Plan, templates: Templates, folder: Path) -> Report:
    report = Run(plan, templates.new(plan.engine, folder), folder).report()
    print(report, *report.notes, sep="\n  ")  # noqa: T201 - the seed, for whoever has to repeat it
    return report


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("engine", "redis"), [("sqlite", "none"), ("postgres", "aof")])
def test_short_form(templates, tmp_path, engine, redis):
    plan = Plan(SEED, EVENTS // 2, FAULTS // 2, engine, redis, ALL)
    report = carry_out(plan, templates, tmp_path)
    assert report.found.clean, report
    assert sum(report.faults.values()) >= FAULTS // 2


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_caught(templates, tmp_path, mistake):
    plan, guilty = PLANTED[mistake]
    report = carry_out(replace(plan, broken=mistake, drain_s=3.0), templates, tmp_path)
    assert getattr(report.found, guilty) > 0, report
