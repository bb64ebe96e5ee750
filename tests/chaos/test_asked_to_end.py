"""SIGTERM arrives at the worst moment: what is under way is finished or rolled back."""

import signal
from collections.abc import Iterator

import pytest

from tests.chaos.planted import goes_on, stops
from tests.chaos.world import CONSUME, RELAY, STEPS, WORK, Command, World

pytestmark = pytest.mark.chaos

AT: dict[str, Command] = {
    "relay: positions given": RELAY,
    "relay: read": RELAY,
    "consumer: handled": CONSUME,
    "consumer: committed": CONSUME,
    "attempt: claimed": WORK,
    "attempt: handled": WORK,
}
"""The command that comes by a failpoint."""


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def world(
    request: pytest.FixtureRequest, templates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """All failpoints pass through it, one after the other."""
    folder = tmp_path_factory.mktemp("asked")
    running = World(templates.new(request.param, folder), folder)
    yield running
    running.close()


@pytest.mark.parametrize("where", AT)
def test_a_worker_that_is_asked_to_end_in_the_middle_leaves_nothing_half_done(world, where):
    once = AT[where]
    world.want_more()
    world.run(*STEPS[: STEPS.index(once)])
    for_ever = tuple(word for word in once if word != "--once")
    worker = world.start(for_ever, f"{where}=stop")
    stops(worker)
    worker.send_signal(signal.SIGTERM)
    goes_on(worker)
    assert world.settle() == {}
    found = world.findings()
    assert found.clean, found
