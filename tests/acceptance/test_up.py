"""`manage.py up`: everything runs, and nothing is left behind."""

import os
import re
import signal
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from carveout.runtime import ports
from tests.copies import CONTEXTS, ROOT
from tests.customers import Customer
from tests.databases import ENVIRONMENT
from tests.eventually import eventually
from tests.processes import Process
from tests.servers import free_port

READY = "everything runs"
START_TIMEOUT_S = 60.0


@pytest.fixture
def up(tmp_path, databases):
    """`up` of a project with a state directory of its own; not started yet."""
    env = {**ENVIRONMENT, "CARVEOUT_DIR": str(tmp_path), "CONTEXTS": ",".join(CONTEXTS)}
    env |= {"REDIS_URL": "", "EMAIL_PORT": str(free_port())}
    env["DATABASE_URL"] = databases.new("sqlite", ROOT, env, to=tmp_path)
    process = Process("up", ("up", "--port", str(free_port())), ROOT, env, tmp_path / "up.log")
    yield process
    kill_what_is_left_of(tmp_path)
    process.end()


def left_of(state_dir: Path) -> dict[int, str]:
    """The living processes that were started for this state directory, by id."""
    marker = f"CARVEOUT_DIR={state_dir}\0".encode()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if marker in (folder / "environ").read_bytes() + b"\0":
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found[int(folder.name)] = command
    return found


def kill_what_is_left_of(state_dir: Path) -> None:
    for pid in left_of(state_dir):
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(pid, signal.SIGKILL)


def wait_until_ready(up: Process) -> None:
    eventually(lambda: READY in up.printed() or not up.running, START_TIMEOUT_S)
    assert READY in up.printed(), up.printed()
    eventually(lambda: "Listening on" in up.printed(), START_TIMEOUT_S)


def url_of(up: Process) -> str:
    found = re.search(r"web +(http://\S+)/", up.printed())
    assert found, up.printed()
    return found[1]


def test_a_taken_port_gives_way_and_ctrl_c_leaves_nothing_behind(up, tmp_path):
    wanted = int(up.arguments[-1])
    with socket.create_server((ports.HOST, wanted)):
        up.start()
        wait_until_ready(up)
    assert url_of(up) != f"http://{ports.HOST}:{wanted}"

    customer = Customer("maria", dict.fromkeys(CONTEXTS, url_of(up)))
    customer.sign_up()
    number = customer.order({"CD-01": 1})
    mail = eventually(lambda: list((tmp_path / "mail").glob("*.eml")))
    assert number in mail[0].read_text()

    up.interrupt()
    assert up.wait() == 0, up.printed()
    assert "Everything has stopped." in up.printed()
    assert left_of(tmp_path) == {}


def test_a_process_that_dies_stops_all_and_is_named(up, tmp_path):
    up.start()
    wait_until_ready(up)
    victim = next(pid for pid, command in left_of(tmp_path).items() if "consume reviews" in command)
    os.kill(victim, signal.SIGKILL)
    assert up.wait() == 1
    assert "'consume reviews' was killed by SIGKILL, so everything was stopped" in up.printed()
    assert left_of(tmp_path) == {}


def test_nothing_outlives_a_killed_up(up, tmp_path):
    up.start()
    wait_until_ready(up)
    up.kill()
    eventually(lambda: not left_of(tmp_path))
