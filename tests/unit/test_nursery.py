"""The nursery notes how each of its children ended."""

import os
import subprocess
import sys

import pytest

from tests.copies import ROOT
from tests.nursery import Child
from tests.processes import Process

pytestmark = pytest.mark.skipif(not hasattr(os, "posix_spawn"), reason="Windows has no SIGCHLD")
TWO_AT_ONCE = """
import os, signal, sys
from pathlib import Path
from tests import nursery

ends, write, noted = Path(sys.argv[1]), Path.write_text, []

def written_late(self, text):
    noted.append(self.name)
    if len(noted) == 1:
        os.kill(os.getpid(), signal.SIGCHLD)  # as another child does that ends now
    write(self, text)

for code in (3, 4):
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", f"exit {code}"], os.environ)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
Path.write_text = written_late
signal.signal(signal.SIGCHLD, lambda *_: nursery._note_ends(ends))
nursery._note_ends(ends)
assert sorted(noted) == sorted(each.name for each in ends.iterdir()), noted
"""


def test_a_child_that_ends_while_another_is_noted_is_noted_too(tmp_path):
    """In a process of its own: it takes the ends of all children, whoever started them."""
    subprocess.run([sys.executable, "-c", TWO_AT_ONCE, tmp_path], cwd=ROOT, check=True)
    assert sorted(each.read_text() for each in tmp_path.iterdir()) == ["3", "4"]


def test_a_signal_to_a_child_that_has_just_ended_does_no_harm(tmp_path):
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    process = Process("web", (), tmp_path, {}, tmp_path / "log")
    process._started.append(Child(gone.pid, tmp_path))
    for send in (process.pause, process.ask_to_end, process.resume, process.interrupt):
        send()
