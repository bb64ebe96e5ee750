"""At each named place a process is killed, on purpose; started again, effects happen once.

The project is the one that chaos happens to. The process with the failpoint armed dies in the
middle of its work; then everything runs again without it, until nothing is left.
"""

import signal
from collections.abc import Iterator

import pytest

from carveout.runtime import failpoints
from tests.chaos.stores import Templates
from tests.chaos.world import CONSUME, RELAY, STEPS, WORK, WRITE, World

pytestmark = pytest.mark.chaos  # each takes seconds, and there are many

COMES_BY = {
    "publish": WRITE,
    "relay": RELAY,
    "consumer": CONSUME,
    "job: enqueued": CONSUME,
    "job: taken": WORK,
    "attempt": WORK,
}
"""The command that comes by a failpoint, by its name or by what that begins with."""


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """All failpoints pass through it, one after the other."""
    folder = tmp_path_factory.mktemp("failpoints")
    templates = Templates(folder, lambda: request.getfixturevalue("postgres"))
    running = World(templates.new(request.param, folder / "run"), folder)
    yield running
    running.close()


def dies_at(world: World, name: str) -> bool:
    """Do everything up to the command that comes by, and that with the failpoint armed.

    It dies at the second time, so that it has done something before; one job is for all deliveries.
    """
    world.want_more()
    time = 1 if name.startswith("job: ") else 2
    last = COMES_BY[name] if name in COMES_BY else COMES_BY[name.split(":")[0]]
    world.run(*STEPS[: STEPS.index(last)])
    return world.start(last, f"{name}=kill@{time}").wait() == -signal.SIGKILL


@pytest.mark.parametrize("name", failpoints.NAMES)
def test_killed_there_and_started_again_effects_happen_once_and_in_order(world, name):
    assert dies_at(world, name), f"nobody died; {world.log.read_text()[-3000:]}"
    assert world.settle() == {}
    found = world.findings()
    assert found.clean, found


def test_an_unknown_failpoint_is_refused(world):
    assert world.start(("check",), "consumer: asleep=kill").wait() == 1
    assert "known names are publish: stored" in world.log.read_text()
