"""The short form of chaos."""

from pathlib import Path

import pytest

from tests.chaos.run import Plan, Report, Run
from tests.chaos.stores import Templates

pytestmark = pytest.mark.chaos

EVENTS, FAULTS = 20_000, 150
SEED = 20_000


def carry_out(plan: Plan, templates: Templates, folder: Path) -> Report:
    stores = templates.new(plan.engine, folder, pooled=plan.pooled)
    report = Run(plan, stores, folder).report()
    print(report, *report.notes, sep="\n  ")  # noqa: T201 - the seed, for whoever has to repeat it
    return report


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("engine", "redis"), [("sqlite", "none"), ("postgres", "aof")])
def test_short_form(templates, tmp_path, engine, redis):
    plan = Plan(SEED, EVENTS // 2, FAULTS // 2, engine, redis)
    if engine == "postgres" and not plan.pooled:
        print("PgBouncer is not installed and is left out: apt-get install pgbouncer")  # noqa: T201
    report = carry_out(plan, templates, tmp_path)
    assert report.found.clean, report
    assert sum(report.faults.values()) >= FAULTS // 2
