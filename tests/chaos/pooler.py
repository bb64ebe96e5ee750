"""PgBouncer in transaction mode before a PostgreSQL, and both of them die."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from carveout.runtime.ports import HOST
from tests.eventually import eventually
from tests.servers import PostgresForTests, free_port

AWAY_S = 0.3
CONFIG = """\
[databases]
* = host={folder} user=postgres

[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = 200
default_pool_size = 20
server_login_retry = 1
ignore_startup_parameters = extra_float_digits
"""


def installed() -> bool:
    return bool(_program())


class Pooler:
    """One PgBouncer for all databases of a server. Its own death is as quick as a fault wants."""

    def __init__(self, postgres: PostgresForTests) -> None:
        self._postgres = postgres
        self._port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="chaos-pgbouncer-"))
        self._folder.chmod(0o755)
        config = CONFIG.format(folder=postgres.socket_folder, host=HOST, port=self._port)
        (self._folder / "pgbouncer.ini").write_text(config)
        self._start()

    def url(self, database: str) -> str:
        return f"postgres://postgres@{HOST}:{self._port}/{database}"

    def faults(self) -> dict[str, Callable[[], None]]:
        return {"database restart pooler": self.restart, "database crash": self.crash}

    def restart(self) -> None:
        """Kill it, and start it again after a moment."""
        self._kill()
        time.sleep(AWAY_S)
        self._start()

    def crash(self) -> None:
        """PostgreSQL ends at once, and recovers what was committed; its pooler lives on."""
        self._postgres.crash()
        time.sleep(AWAY_S)
        self._postgres.start()

    def close(self) -> None:
        self._kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> None:
        program = _program()
        assert program, "pgbouncer is not installed"
        # As root it does not run.
        user = self._postgres.user if os.geteuid() == 0 else None
        log = (self._folder / "pgbouncer.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [program, str(self._folder / "pgbouncer.ini")], user=user, stdout=log, stderr=log
            )
        eventually(self._answers)

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self._folder / "pgbouncer.log").read_text()
        try:
            with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
                return bool(connection.execute("SELECT 1").fetchone())
        except psycopg.OperationalError:
            return False

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()


def _program() -> str | None:
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
