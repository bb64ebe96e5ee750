"""Databases that are fought for, and that crash in the middle of everything."""

import signal
from collections.abc import Iterator

import pytest

from tests.chaos.checker import under_way
from tests.chaos.stores import Templates
from tests.chaos.world import World
from tests.eventually import eventually
from tests.servers import PostgresForTests

pytestmark = pytest.mark.chaos

WRITERS = 8
ENTRIES = 200
CRASHES = 3
SHARES = ("relay",), ("relay",), ("consume", "audit"), ("consume", "audit"), ("work", "audit")


@pytest.fixture
def started(tmp_path) -> Iterator:
    """Starts relays, consumers and a job worker. Gives: what makes a world of databases."""
    worlds, children = [], []

    def start(stores):
        world = World(stores, tmp_path, BATCH_S="0.02")
        worlds.append(world)
        children.extend(world.begin(command) for command in SHARES)
        return world, children

    yield start
    for child in children:
        child.signal(signal.SIGTERM)
    assert all(child.wait(10) for child in children)
    for world in worlds:
        world.close()


def made(world: World) -> int:
    [(entries,)] = world.stores.ledger("SELECT count(*) FROM ledger_entry")
    return int(entries)


def arrived(world: World, entries: int) -> bool:
    assert made(world) == entries
    assert under_way(world.stores) == {}
    return True


def test_eight_writers_on_one_sqlite_file_lose_and_double_nothing(templates, tmp_path, started):
    world, workers = started(templates.new("sqlite", tmp_path))
    writers = [world.begin(("write", str(ENTRIES))) for _ in range(WRITERS)]
    eventually(lambda: not any(writer.running for writer in writers), timeout_s=60)
    eventually(lambda: arrived(world, made(world)), timeout_s=60)
    assert all(worker.running for worker in workers)
    assert made(world) >= ENTRIES
    found = world.findings()
    assert found.clean, found


@pytest.fixture(scope="module")
def mortal() -> Iterator[PostgresForTests]:
    server = PostgresForTests(durable=True)
    yield server
    server.close()


def test_a_postgresql_that_crashes_in_the_middle_loses_and_doubles_nothing(
    mortal, tmp_path, started
):
    world, workers = started(Templates(tmp_path, lambda: mortal).new("postgres", tmp_path))
    for crash in range(1, CRASHES + 1):
        total = crash * ENTRIES
        writer = world.begin(("write", str(total)))
        eventually(lambda total=total: made(world) > total - ENTRIES // 2)
        mortal.crash()
        mortal.start()
        writer.kill()  # its connection is gone; a request that failed is made again by others
        world.run(("write", str(total)))
    eventually(lambda: arrived(world, made(world)), timeout_s=60)
    assert all(worker.running for worker in workers)
    assert "Trying again." in world.log.read_text()
    found = world.findings()
    assert found.clean, found
