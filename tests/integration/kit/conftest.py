"""The two contexts, in databases of their own: each test runs on SQLite and on PostgreSQL."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dj_database_url
import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connections
from django.test import override_settings

import carveout
from carveout.contracts import deployed
from carveout.lookups import http
from carveout.models import (
    Attempt,
    CopyClaim,
    CopyState,
    Cursor,
    Delivery,
    Layout,
    LoggedEvent,
    Mismatch,
    Partition,
    RecordedCall,
    RecordedRow,
    ReportedCursor,
    Seam,
    Sweep,
    Tally,
)
from carveout.redis import fire_and_forget, inbound
from carveout.seams import switch
from carveout.seams.effects import coverage
from carveout.subscriptions import handled_types
from carveout.telemetry import batch_traces, counters
from carveout.testing import writable_copies
from tests.integration.kit import declarations
from tests.integration.kit.declarations import Declared
from tests.servers import PostgresForTests, ValkeyForTests

APPS = {"tickets": ["tests.integration.kit.tickets"], "desk": ["tests.integration.kit"]}
"""Test modules belong to desk, so a test declares desk's subscriptions where it needs them."""


def _contexts(database: str) -> dict[str, dict[str, Any]]:
    return {name: {"apps": apps, "database": database} for name, apps in APPS.items()}


def _declared_by_the_contexts() -> Declared:
    """Read the declarations once, and leave no trace of them for other tests."""
    before = declarations.declared()
    declarations.declare(declarations.NOTHING)
    with override_settings(CARVEOUT={"CONTEXTS": _contexts("default")}):
        from tests.integration.kit.desk import lookups as _readers  # noqa: F401
        from tests.integration.kit.tickets import events as _events  # noqa: F401
        from tests.integration.kit.tickets import lookups as _lookups  # noqa: F401
    ours = declarations.declared()
    declarations.declare(before)
    return ours


OURS = _declared_by_the_contexts()


@contextmanager
def connected(url: str, alias: str = "kit") -> Iterator[None]:
    """Inside the block the alias leads to this database."""
    config = dj_database_url.parse(url)
    if url.startswith("sqlite"):
        init = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
        config["OPTIONS"] = {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": init,
        }
    django_settings.DATABASES[alias] = config
    connections.configure_settings(django_settings.DATABASES)
    try:
        yield
    finally:
        connections[alias].close()
        del connections[alias]
        del django_settings.DATABASES[alias]


def back_up(to: Path) -> Path:
    """Copy the SQLite database of this moment into a new file. Returns: the file."""
    with connections["kit"].cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(to)])
    return to


def _models() -> list[Any]:
    from tests.integration.kit.desk import models as desk
    from tests.integration.kit.tickets.models import Ticket
    from tests.integration.kit.tickets.stalls import Stall, Visit

    return [Visit, Stall, desk.Ticket, desk.Note, desk.Hold, Ticket]


def make_tables(alias: str = "kit") -> None:
    """All tables of the kit and of the two contexts, in a database that has none."""
    from tests.integration.kit.tickets.stalls import make_visits

    call_command("migrate", "carveout", database=alias, verbosity=0)
    with connections[alias].schema_editor() as editor:
        for model in _models()[1:]:
            editor.create_model(model)
    make_visits(alias)


def all_models() -> list[Any]:
    kits = (Layout, LoggedEvent, Partition, Cursor, ReportedCursor, Delivery, Attempt, Seam, Sweep)
    return [*_models(), *kits, CopyState, CopyClaim, RecordedCall, RecordedRow, Tally, Mismatch]


def _empty_tables(alias: str = "kit") -> None:
    with writable_copies():
        for model in all_models():
            model.objects.using(alias).all().delete()


@pytest.fixture(scope="session")
def kit_databases(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest, django_db_blocker: Any
) -> Callable[..., str]:
    """The URL of a database with all tables, by engine and alias; made on first use."""
    made: dict[str, str] = {}

    def url(engine: str, alias: str = "kit") -> str:
        name = f"{engine} {alias}"
        if name not in made:
            if engine == "sqlite":
                made[name] = f"sqlite:///{tmp_path_factory.mktemp('kit')}/{alias}.sqlite3"
            else:
                server: PostgresForTests = request.getfixturevalue("postgres")
                made[name] = server.url(server.create())
            settings = override_settings(CARVEOUT={"CONTEXTS": _contexts(alias)})
            with django_db_blocker.unblock(), connected(made[name], alias), settings:
                make_tables(alias)
        return made[name]

    return url


@pytest.fixture(params=["sqlite", "postgres"])
def database(
    request: pytest.FixtureRequest, kit_databases: Callable[[str], str], django_db_blocker: Any
) -> Iterator[str]:
    """An empty database under the alias "kit". Gives: its URL."""
    url = kit_databases(request.param)
    with django_db_blocker.unblock(), connected(url):
        _empty_tables()
        yield url


@pytest.fixture
def of_desk(database: str, kit_databases: Callable[..., str]) -> Iterator[str]:
    """An empty database for desk alone, of the same engine. Gives: its alias."""
    url = kit_databases("sqlite" if database.startswith("sqlite") else "postgres", "of_desk")
    with connected(url, "of_desk"):
        _empty_tables("of_desk")
        yield "of_desk"


@pytest.fixture
def kit(database: str, settings: Any, valkey: ValkeyForTests, tmp_path: Path) -> Iterator[Any]:
    """Both contexts, with an empty log and an empty Redis. Gives: `kit.set(NAME=value)`."""
    given: dict[str, Any] = {
        "REDIS_URL": valkey.url,
        "STATE_DIR": tmp_path,
        "CONTEXTS": _contexts("kit"),
        "BLOCK_MS": 20,
        "RETRY_BASE_S": 0.001,
    }

    class Kit:
        def set(self, **changes: Any) -> None:
            given.update(changes)
            settings.CARVEOUT = dict(given)
            settings.RQ_QUEUES = carveout.rq_queues(given)

        def change(self, context: str, **options: Any) -> None:
            """Change options of one context."""
            contexts = given["CONTEXTS"]
            self.set(CONTEXTS={**contexts, context: {**contexts[context], **options}})

    ours = Kit()
    ours.set()
    settings.ROOT_URLCONF = "tests.integration.kit.urls"
    http.breakers.clear()
    fire_and_forget.reset()
    counters.reset()
    batch_traces.reset()
    deployed.reset()
    inbound.reset()
    handled_types.reset()
    switch.forget()
    coverage.forget()
    with declarations.only(OURS):
        yield ours
    http.breakers.clear()
    fire_and_forget.reset()
    counters.reset()
    deployed.reset()


@pytest.fixture(autouse=True)
def _sent_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent without waiting has been read by Redis when `send` returns.

    Redis reads its connections in any order, so a test's next command may overtake what was sent.
    """
    connected = fire_and_forget._connected
    monkeypatch.setattr(fire_and_forget, "_connected", lambda key: _Waiting(connected(key)))


class _Waiting:
    """A connection without replies, which waits until Redis has read what it sent."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def send_command(self, *command: Any, **options: Any) -> None:
        self._connection.send_command(*command, **options)
        self._connection.send_command("CLIENT", "REPLY", "ON", **options)
        self._connection.read_response()
        self._connection.send_command("CLIENT", "REPLY", "OFF", **options)


@pytest.fixture
def rq_signals() -> Iterator[None]:
    """RQ's worker takes signals over and does not give them back."""
    taken = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in taken}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
