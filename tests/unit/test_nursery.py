"""The nursery notes how each of its children ended."""

import os
import signal
from pathlib import Path

import pytest

from tests import nursery

pytestmark = pytest.mark.skipif(not hasattr(os, "posix_spawn"), reason="Windows has no SIGCHLD")


def test_a_child_that_ends_while_another_is_noted_is_noted_too(tmp_path, monkeypatch):
    write, calls = Path.write_text, []

    def written_late(self: Path, text: str) -> None:
        calls.append(self.name)
        if len(calls) == 1:
            os.kill(os.getpid(), signal.SIGCHLD)  # as another child does that ends now
        write(self, text)

    monkeypatch.setattr(Path, "write_text", written_late)
    children = {}
    for code in (3, 4):
        pid = os.posix_spawn("/bin/sh", ["sh", "-c", f"exit {code}"], os.environ)
        children[str(pid)] = code
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    before = signal.signal(signal.SIGCHLD, lambda *_: nursery._note_ends(tmp_path))
    try:
        nursery._note_ends(tmp_path)
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert {each.name: int(each.read_text()) for each in tmp_path.iterdir()} == children
    assert sorted(calls) == sorted(children)
