"""The checker has teeth: it sees every planted mistake, and nothing where none is planted."""

from collections.abc import Callable, Iterator

import pytest

from tests.chaos.checker import Findings
from tests.chaos.planted import PLANTED
from tests.chaos.world import World

pytestmark = pytest.mark.chaos

Suffer = Callable[[str, str], Findings]


@pytest.fixture
def suffer(templates, tmp_path) -> Iterator[Suffer]:
    """Let the scenario of a mistake happen, with a mistake planted or none, and look."""
    worlds = []

    def suffered(scenario_of: str, planted: str) -> Findings:
        scenario = PLANTED[scenario_of]
        stores = templates.new(scenario.engine, tmp_path)
        share = scenario.closing_share
        world = World(stores, tmp_path, CARVEOUT_BROKEN=planted, CLOSING_SHARE=share)
        worlds.append(world)
        scenario.happens(world)
        left = world.settle()
        found = world.findings()
        found.stuck = len(left)
        return found

    yield suffered
    for world in worlds:
        world.close()


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_caught(suffer, mistake):
    found = suffer(mistake, planted=mistake)
    assert getattr(found, PLANTED[mistake].guilty) > 0, found


@pytest.mark.parametrize("mistake", PLANTED)
def test_the_same_without_the_mistake_is_clean(suffer, mistake):
    found = suffer(mistake, planted="")
    assert found.clean, found
