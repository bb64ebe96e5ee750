"""Databases that are fought for, crash in the middle of everything, or have no room left."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.chaos.checker import under_way
from tests.chaos.world import World
from tests.eventually import eventually

pytestmark = pytest.mark.chaos

WRITERS = 8
ENTRIES = 200
CRASHES = 3
DISK_MB = 24
FULL = "database or disk is full Trying again."
FULL_S = 1.0
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
        child.terminate()
    assert all(child.ends_within(10) for child in children)
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


def test_a_postgresql_that_crashes_in_the_middle_loses_and_doubles_nothing(
    mortal, templates, tmp_path, started
):
    world, workers = started(templates.new("postgres", tmp_path))
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


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A file system of a few megabytes. Only root may have one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_disk_that_is_full_for_a_while_loses_and_doubles_nothing(templates, small_disk, started):
    world, workers = started(templates.new("sqlite", small_disk))
    for turn in range(1, CRASHES + 1):
        writer = world.begin(("write", str(turn * ENTRIES)))
        eventually(lambda turn=turn: made(world) > (turn - 1) * ENTRIES + ENTRIES // 4)
        told = world.log.read_text().count(FULL)
        fill(small_disk)
        eventually(lambda told=told: world.log.read_text().count(FULL) > told)
        time.sleep(FULL_S)
        assert all(worker.running for worker in workers)
        (small_disk / "filler").unlink()
        eventually(lambda writer=writer: not writer.running)
    eventually(lambda: arrived(world, made(world)), timeout_s=60)
    assert all(worker.running for worker in workers)
    assert made(world) >= CRASHES * ENTRIES
    found = world.findings()
    assert found.clean, found


def fill(disk: Path) -> None:
    """Leave no room at all."""
    with suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 4096)
