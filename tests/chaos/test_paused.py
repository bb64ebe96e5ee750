"""Two of a kind, and one is stopped at the worst moment: the other goes on, then it goes on too."""

from collections.abc import Iterator

import pytest

from tests.chaos.planted import LEASES, goes_on, stops
from tests.chaos.world import CONSUME, RELAY, STEPS, WRITE, World
from tests.eventually import eventually

pytestmark = pytest.mark.chaos

WAITS_S = 1.0
"""So long the others may wait for locks that the stopped one holds, before it goes on."""
RELAY_STOPS = ("positions given", "sequenced", "read", "shipped")
CONSUMER_STOPS = ("read", "handled", "cursor moved", "committed")


@pytest.fixture(params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, templates, tmp_path) -> Iterator[World]:
    running = World(templates.new(request.param, tmp_path), tmp_path)
    yield running
    running.close()


def stop_one_of_two(world: World, command, failpoint: str) -> None:
    """Stop one at the failpoint; let another come and more be written; let the first go on."""
    world.want_more()
    world.run(*STEPS[: STEPS.index(command)])
    stopped = world.start(command, f"{failpoint}=stop")
    stops(stopped)
    eventually(lambda: not world.brittle.client.keys(LEASES))
    others = [world.begin(command)]
    others[0].ends_within(WAITS_S)
    world.want_more()
    others.append(world.begin(WRITE))
    others[1].ends_within(WAITS_S)
    goes_on(stopped)
    assert all(other.ends_within(30) for other in others), world.log.read_text()[-3000:]


@pytest.mark.parametrize("where", RELAY_STOPS)
def test_a_relay_that_is_stopped_leaves_no_gap_and_doubles_nothing(world, where):
    stop_one_of_two(world, RELAY, f"relay: {where}")
    assert world.settle() == {}
    found = world.findings()
    assert found.clean, found


@pytest.mark.parametrize("where", CONSUMER_STOPS)
def test_a_consumer_that_is_stopped_past_its_lease_doubles_nothing(world, where):
    stop_one_of_two(world, CONSUME, f"consumer: {where}")
    assert world.settle() == {}
    found = world.findings()
    assert found.clean, found


@pytest.mark.parametrize("world", ["postgres"], indirect=True)
def test_the_commit_of_a_consumer_that_was_overtaken_fails_on_the_cursor(world):
    """It was stopped in its transaction, with all handled. SQLite lets nobody overtake there."""
    stop_one_of_two(world, CONSUME, "consumer: handled")
    assert "are no longer at" in world.log.read_text()
