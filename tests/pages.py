"""Pages of the docs as a reader follows them: files to write and commands to run, in order."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.eventually import eventually

ELISION = "…"
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"^# (at the end of )?([\w/]+\.py)\n", re.MULTILINE)
VARYING = (  # what differs from one run to the next
    (re.compile(r"127\.0\.0\.1:\d+"), "HOST"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+"), "TIME"),
    (re.compile(r"\d\d:\d\d:\d\d"), "TIME"),
    (re.compile(r"\d+\.\d+"), "0.0"),
    (re.compile(r"\b\d+ ms"), "0 ms"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "ID"),
)
STAYS = re.compile(r"manage\.py up\b")
"""What a reader leaves running in a terminal of its own."""
GROWS = re.compile(r"manage\.py (story|contextmap)\b")
"""What a reader who is quick asks for once more."""
AGAIN_S = 30
START_S = 60


@dataclass(frozen=True)
class Code:
    """A file to write, or what to add to one."""

    path: str
    text: str
    adds: bool

    def write(self, folder: Path) -> None:
        path = folder / self.path
        if self.adds:
            assert path.exists(), f"the page adds to a file that is not there: {self.path}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((path.read_text() if self.adds else "") + self.text)


@dataclass(frozen=True)
class Command:
    """A command, and the lines that the page shows below it."""

    line: str
    shown: tuple[str, ...]


def section(text: str, heading: str) -> str:
    """What a page says under a heading of the second level."""
    found = re.split(rf"^## {re.escape(heading)}$", text, flags=re.MULTILINE)
    assert len(found) == 2, f"no heading, or several: {heading}"
    return re.split(r"^## ", found[1], flags=re.MULTILINE)[0]


def files(block: str) -> Iterator[Code]:
    """What a block of Python holds: each file begins with its name in a comment."""
    before, *found = FILE.split(block)
    assert not before.strip(), f"this block does not begin with the name of a file: {block}"
    for adds, path, text in zip(found[::3], found[1::3], found[2::3], strict=True):
        yield Code(path, text, bool(adds))


def commands(block: str) -> Iterator[Command]:
    """What a block of console lines holds: each command begins with `$ `."""
    before, *found = re.split(r"^\$ ", block, flags=re.MULTILINE)
    assert not before.strip(), f"this block does not begin with a command: {block}"
    for each in found:
        line, *shown = each.splitlines()
        yield Command(line, tuple(shown))


def steps(text: str) -> Iterator[Code | Command]:
    """Everything that a reader does, in the order of the page."""
    for language, block in BLOCK.findall(text):
        yield from files(block) if language == "python" else commands(block)


def difference(shown: tuple[str, ...], printed: str) -> str:
    """All lines of the page are printed, in this order; between elisions without a gap."""
    lines = [alike(line) for line in printed.splitlines()]
    at, gap = 0, True
    for wanted in map(alike, shown):
        if wanted == ELISION:
            gap = True
            continue
        if wanted not in lines[at:]:
            return f"does not print: {wanted}\nbut:\n{printed}"
        place = lines.index(wanted, at)
        if not gap and place != at:
            return f"prints more before: {wanted}\n{printed}"
        at, gap = place + 1, False
    return ""


def alike(line: str) -> str:
    line = line.rstrip()
    for pattern, put in VARYING:
        line = pattern.sub(put, line)
    return line


@dataclass
class Reader:
    """Somebody who does what a page says, in a folder of their own."""

    folder: Path
    env: dict[str, str]
    log: Path
    """What the command that stays has printed."""
    began: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def follow(self, text: str) -> None:
        for step in steps(text):
            if isinstance(step, Code):
                step.write(self.folder)
            else:
                self.do(step)

    def do(self, command: Command) -> None:
        if STAYS.search(command.line):
            self.interrupt()
            self.leave_running(command)
            return
        again_s = AGAIN_S if GROWS.search(command.line) else 0
        eventually(lambda: self.prints_what_is_shown(command), again_s)

    def prints_what_is_shown(self, command: Command) -> bool:
        wrong = difference(command.shown, self.ran(command.line))
        assert not wrong, f"{command.line}\n{wrong}"
        return True

    def ran(self, line: str) -> str:
        """A command in the reader's shell: what it exports, and where it goes, stays so."""
        after = self.folder / ".environment"
        kept = f'{line}\nstatus=$?; env -0 > "{after}"; exit $status'
        done = subprocess.run(
            ["sh", "-c", kept],
            cwd=self.env.get("PWD", self.folder),
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}\nends with {done.returncode}:\n{done.stdout}"
        self.env = dict(each.split("=", 1) for each in after.read_text().split("\0") if each)
        after.unlink()
        return done.stdout

    def leave_running(self, command: Command) -> None:
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                ["sh", "-c", f"exec {command.line}"],
                cwd=self.env.get("PWD", self.folder),
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.began.append(process)

        def is_ready() -> bool:
            wrong = difference(command.shown, self.log.read_text())
            if wrong and process.poll() is not None:
                raise RuntimeError(f"{command.line} has ended.\n{wrong}")
            assert not wrong, f"{command.line}\n{wrong}"
            return True

        eventually(is_ready, START_S)

    def interrupt(self) -> None:
        """Ctrl-C in the terminal of what was left running."""
        while self.began:
            process = self.began.pop()
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            finally:
                process.kill()


@contextmanager
def reading(folder: Path, env: Mapping[str, str], log: Path) -> Iterator[Reader]:
    reader = Reader(folder, {**env, "PWD": str(folder)}, log)
    try:
        yield reader
    finally:
        reader.interrupt()


def plain_environment() -> dict[str, str]:
    """That of somebody who opens a terminal: none of ours, but how pip finds its index."""
    kept = ("HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    return {
        name: value
        for name, value in os.environ.items()
        if name in kept or name.startswith(("PIP_", "XDG_")) or name.lower().endswith("_proxy")
    }
