"""For each planted mistake a scenario that brings it to light every time, and hits nothing else."""

import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.world import CONSUME, RELAY, WORK, WRITE, World
from tests.eventually import eventually

LEASES = "carveout:*:lease:*"
STREAMS = "carveout:*:stream"


@dataclass(frozen=True)
class Scenario:
    """What happens, and what a run with the mistake is found guilty of."""

    happens: Callable[[World], None]
    guilty: str
    engine: str = "sqlite"
    closing_share: str = "0.5"


def a_writer_dies_before_it_commits(world: World) -> None:
    world.want_more()
    world.run(WRITE)
    world.want_more()
    dies(world.start(WRITE, "publish: stored=kill"))
    world.want_less()  # what was never committed is not made later either


def all_goes_well(world: World) -> None:
    world.want_more()
    world.run(WRITE, RELAY, CONSUME, WORK)


def a_consumer_dies_before_it_commits(world: World) -> None:
    world.want_more()
    world.run(WRITE, RELAY)
    dies(world.start(CONSUME, "consumer: handled=kill"))


def a_consumer_is_paused_past_its_lease(world: World) -> None:
    """In its transaction, with all handled. Another takes over; then it goes on."""
    world.want_more()
    world.run(WRITE, RELAY)
    paused = world.start(CONSUME, "consumer: handled=stop")
    stops(paused)
    eventually(lambda: not world.brittle.client.keys(LEASES))
    world.run(CONSUME)
    goes_on(paused)


def a_relay_is_paused_before_it_ships(world: World) -> None:
    """It knows what the stream lacks. Another ships that; then it goes on."""
    world.want_more()
    world.run(WRITE)
    paused = world.start(RELAY, "relay: read=stop")
    stops(paused)
    world.run(RELAY)
    goes_on(paused)


def streams_lose_all_but_their_end(world: World) -> None:
    world.want_more()
    world.run(WRITE, RELAY)
    for stream in world.brittle.client.keys(STREAMS):
        world.brittle.client.xtrim(stream, maxlen=1, approximate=False)


def redis_forgets_the_jobs(world: World) -> None:
    world.want_more()
    world.run(WRITE, RELAY, CONSUME)
    world.brittle.flush()


def dies(process: subprocess.Popen[bytes]) -> None:
    assert process.wait() == -signal.SIGKILL


def stops(process: subprocess.Popen[bytes]) -> None:
    """Wait until the process has stopped at its failpoint."""
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), "it ended and never came by"


def goes_on(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGCONT)
    assert process.wait() == 0


PLANTED = {
    "event_outside_the_transaction": Scenario(
        a_writer_dies_before_it_commits, "phantom", engine="postgres"
    ),
    "latest_first": Scenario(all_goes_well, "disordered"),
    "cursor_outside_the_transaction": Scenario(a_consumer_dies_before_it_commits, "doubled"),
    "batch_without_a_transaction": Scenario(a_consumer_dies_before_it_commits, "doubled"),
    "cursor_without_comparison": Scenario(
        a_consumer_is_paused_past_its_lease,
        "doubled",
        engine="postgres",  # where a transaction that waits does not keep all others waiting
        closing_share="0",  # without deliveries, which both would store
    ),
    "ids_that_redis_gives": Scenario(a_relay_is_paused_before_it_ships, "gaps"),
    "no_gap_check": Scenario(streams_lose_all_but_their_end, "lost"),
    "no_sweeper": Scenario(redis_forgets_the_jobs, "lost"),
}
"""By mistake."""
