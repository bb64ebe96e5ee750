"""`manage.py demo`: real orders through everything, compared with what the file says."""

import os
import re
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from carveout.runtime import ports
from tests import processes
from tests.acceptance.test_up import kill_what_is_left_of, left_of
from tests.copies import ROOT
from tests.databases import ENVIRONMENT
from tests.eventually import eventually
from tests.servers import free_port

ORDERS = ("--orders", "60", "--by-rest", "5")
ROW = re.compile(r"^(\S.*?) +(\d+) +(\d+) +(ok|WRONG)$", re.MULTILINE)
SERVING = b"Ctrl-C stops everything."
TUTORIAL = ROOT / "docs/tutorial/add-a-subscriber.md"


@pytest.fixture
def env(tmp_path):
    """The environment of a demonstration that keeps everything in this test's folder."""
    yield {**ENVIRONMENT, "CARVEOUT_DIR": str(tmp_path)}
    kill_what_is_left_of(tmp_path / "demo")


def test_the_demo_ends_by_itself_with_every_number_as_expected(env, tmp_path):
    wanted = free_port()
    with socket.create_server((ports.HOST, wanted)):
        printed = processes.run("demo", *ORDERS, "--port", str(wanted), folder=ROOT, env=env)

    table = {name: numbers for name, *numbers in ROW.findall(printed)}
    assert table["orders"] == ["60", "60", "ok"]
    assert table["e-mails at the mail sink"] == ["60", "60", "ok"]
    assert len(table) >= 6
    assert {verdict for *_, verdict in table.values()} == {"ok"}
    assert re.search(r"lookup requests made +\d+", printed)
    assert re.search(r"commit to handler, REST +p50 +\d+ ms, p99 +\d+ ms", printed)
    shop = re.search(r"^shop +http://127\.0\.0\.1:(\d+)/$", printed, re.MULTILINE)
    assert shop, printed
    assert int(shop[1]) > wanted, "the port was taken"
    assert left_of(tmp_path / "demo") == {}


def test_a_serving_demo_takes_a_subscriber_and_ctrl_c_leaves_no_process_behind(env, tmp_path):
    port = str(free_port())
    del env["SECRET_KEY"]  # it makes one, as for a reader
    with terminal_with("demo", *ORDERS, "--port", port, env=env) as (demo, terminal):
        printed = read_until(terminal, SERVING)
        assert b"WRONG" not in printed
        for each in (b"password ", b"/orders/A-", b"?q=A-", b"/admin/carveout/map/"):
            assert each in printed.partition(b"Try this")[2], printed
        assert subscribed_as_the_tutorial_says(tmp_path, port) == 60
        os.write(terminal, b"m")
        read_until(terminal, b"The mail server has stopped")
        os.write(terminal, b"xm")
        read_until(terminal, b"The mail server runs again")
        assert demo.poll() is None
        os.write(terminal, b"\x03")
        assert demo.wait(processes.END_TIMEOUT_S) == 0
        assert b"Everything has stopped." in read_until(terminal, b"stopped.")
    eventually(lambda: left_of(tmp_path / "demo") == {})


def subscribed_as_the_tutorial_says(folder: Path, port: str) -> int:
    """The page's commands, with this demonstration's folder and port. Returns: what it counts."""
    text = TUTORIAL.read_text()
    for theirs, ours in {
        "../../.carveout": str(folder),
        "../../.venv/bin/python": sys.executable,
        ":8000": f":{port}",
        "DATABASE=loyalty": f"DATABASE={folder}/loyalty",
        "cd examples": f"cd {ROOT}/examples",
    }.items():
        assert theirs in text, theirs
        text = text.replace(theirs, ours)
    *exports, migrate, consume, count, _ = [
        line[2:] for line in text.splitlines() if line[:2] == "$ "
    ][2:]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    for ours in ("DJANGO_SETTINGS_MODULE", "SECRET_KEY"):
        env.pop(ours, None)
    run = partial(subprocess.Popen, env=env, stdout=subprocess.PIPE, text=True)

    def terminal(command: str) -> subprocess.Popen[str]:
        return run(["sh", "-ec", "\n".join((*exports, f"exec {command}"))])

    def counted() -> int:
        return int(terminal(count).communicate()[0])

    assert terminal(migrate).communicate() == ("", None)
    consumer = terminal(consume)
    try:
        eventually(lambda: counted() == 60, 60)
        return counted()
    finally:
        consumer.terminate()
        consumer.communicate()


@contextmanager
def terminal_with(*arguments: str, env):
    """A command that has a terminal of its own. Yields: it, and the keyboard and screen."""
    keyboard, screen = os.openpty()
    # A session's leader that opens a terminal makes it its own; then Ctrl-C is a signal to it.
    attach = 'exec "$@" <"$0" >"$0" 2>&1'
    command = [sys.executable, "manage.py", *arguments]
    process = subprocess.Popen(
        ["sh", "-c", attach, os.ttyname(screen), *command],
        cwd=ROOT,
        env=env,
        start_new_session=True,
    )
    try:
        yield process, keyboard
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
        os.close(keyboard)
        os.close(screen)


def read_until(terminal: int, wanted: bytes) -> bytes:
    printed = b""
    while wanted not in printed:
        printed += os.read(terminal, 4096)
    return printed
