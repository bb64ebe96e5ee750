"""Chaos on Redis Sentinel and Redis Cluster: primaries die, and accepted entries with them."""

from collections.abc import Iterator

import pytest

from tests.chaos.groups import BrittleCluster, BrittleSentinel
from tests.chaos.run import Plan, Report, Run
from tests.chaos.stores import Templates
from tests.servers import PostgresForTests

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

EVENTS = 4_000


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    return Templates(tmp_path_factory.mktemp("templates"), PostgresForTests)


@pytest.fixture
def carry_out(templates, tmp_path) -> Iterator:
    def run(plan: Plan, redis) -> Report:
        report = Run(plan, templates.new("sqlite", tmp_path), tmp_path, lambda _: redis).report()
        print(report, *report.notes, sep="\n  ")  # noqa: T201 - the seed, for whoever repeats it
        return report

    return run


def plan(seed: int, faults: int, weights: dict[str, float], redis: str) -> Plan:
    return Plan(seed, EVENTS, faults, redis=redis, weights=weights, pace_s=0.1, kinds=())


def test_fail_over_to_a_replica(carry_out):
    faults = {"redis fail over": 1}
    report = carry_out(plan(1, 4, faults, "sentinel"), BrittleSentinel())
    assert report.found.clean, report
    assert report.faults == {"redis fail over": 4}


def test_fail_over_to_a_replica_that_missed_accepted_entries(carry_out):
    redis = BrittleSentinel()
    report = carry_out(plan(1, 4, {"redis stale fail over": 1}, "sentinel"), redis)
    assert report.found.clean, report
    assert len(redis.missing) == 4
    assert min(redis.missing) > 0, "nothing was missing: this showed nothing"


def test_nodes_of_a_cluster_die_and_slots_move(carry_out):
    faults = {"redis fail over": 1, "redis move slot": 3}
    report = carry_out(plan(1, 10, faults, "cluster"), BrittleCluster())
    assert report.found.clean, report
    assert report.faults["redis fail over"] >= 1
    assert report.faults["redis move slot"] >= 3
