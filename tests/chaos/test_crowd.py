"""Consumers die, are paused, come and go: nothing is lost, doubled or out of order, all share.

CROWD_S says for how many seconds one dies and one is paused in each. The long form takes 60.
"""

import os
import random
from collections.abc import Callable, Iterator

import pytest

from carveout.conf import Settings
from tests.chaos.crowd import LEASE_MS, Crowd

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

CROWD_S = int(os.environ.get("CROWD_S", "15"))
CONSUMERS = 4
SEED = 4


@pytest.fixture
def crowd(templates, tmp_path) -> Iterator[Callable[..., Crowd]]:
    crowds = []

    def gather(engine: str, lease_ms: int = LEASE_MS) -> Crowd:
        crowds.append(Crowd(engine, templates, tmp_path, CONSUMERS, lease_ms))
        return crowds[0]

    yield gather
    for each in crowds:
        each.close()


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_each_second_one_consumer_dies_and_one_is_paused(crowd, engine):
    there, rng = crowd(engine), random.Random(SEED)
    there.evenly()
    pauses_s = []
    for _ in range(CROWD_S):
        there.kill_one(rng)
        pauses_s.append(there.pause_one(rng))
        there.wait(1.0)
    there.tend(at_once=True)
    even_s = there.evenly()
    found = there.finish()
    longer = sum(pause_s > LEASE_MS / 1000 for pause_s in pauses_s)
    print(  # noqa: T201 - what was shown
        f"{engine}: {CROWD_S} killed, {len(pauses_s)} paused, {longer} of them for longer than"
        f" their lease; {there.made()} entries: {found}; even after {even_s:.1f} s"
    )
    assert found.clean, found


def test_consumers_come_and_go(crowd):
    there = crowd("postgres")
    there.evenly()
    there.add(2)
    there.evenly()
    there.remove(3)
    there.evenly()
    there.remove(2)
    there.evenly()
    found = there.finish()
    print(f"{there.made()} entries: {found}")  # noqa: T201 - what was shown
    assert found.clean, found


def test_with_the_lease_of_a_deployment_all_share_again_within_20_s(crowd):
    there, rng = crowd("sqlite", Settings.lease_ms), random.Random(SEED)
    there.evenly()
    there.kill_one(rng)
    even_s = there.evenly()
    found = there.finish()
    print(f"even after {even_s:.1f} s: {found}")  # noqa: T201 - what was shown
    assert found.clean, found
