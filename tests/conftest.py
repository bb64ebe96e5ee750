"""Real servers for all tests but those in `unit`, and settings that point at them."""

import importlib
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

import carveout
from tests import forks
from tests.forks import Forks
from tests.servers import PostgresForTests, SmtpForTests, ValkeyForTests

servers = pytest.StashKey[ValkeyForTests]()
LONG_FILES = ("test_carving.py", "test_spin.py")
"""They come first: at the end of a run, one worker would have them and the others nothing."""
FOR_A_PYTEST_OF_ITS_OWN = "-p no:schemathesis -p no:faker -p no:hypothesispytest"
"""Plugins that no project under test needs; each start would take twice as long."""
pointed = pytest.StashKey[override_settings]()


def use_psycopg2() -> None:
    """Let Django take psycopg2, as it does where psycopg is not installed. Tests need that one."""
    loaded = {name for name in sys.modules if name.startswith("django.db.backends.postgresql")}
    for name in loaded:
        del sys.modules[name]
    psycopg = sys.modules.pop("psycopg", None)
    sys.modules["psycopg"] = None  # type: ignore[assignment]
    base = importlib.import_module("django.db.backends.postgresql.base")
    del sys.modules["psycopg"]
    if psycopg:
        sys.modules["psycopg"] = psycopg
    assert base.Database.__name__ == "psycopg2"


def pytest_configure(config: pytest.Config) -> None:
    """Point this process at the test Valkey; it is started when the first test wants it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell that runs us in the background has it ignored, and what we start would inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.environ.get("POSTGRES_DRIVER") == "psycopg2":
        use_psycopg2()
    if not config.getoption("numprocesses", default=None):  # else it only hands out the tests
        os.environ["PYTEST_ADDOPTS"] = FOR_A_PYTEST_OF_ITS_OWN
    valkey = config.stash[servers] = ValkeyForTests()
    # redis-py leaves dropped connections to the garbage collector, which may close the socket
    # before the connection does, during any later test.
    dropped = rf"unclosed <socket\.socket .*raddr=\('127\.0\.0\.1', {valkey.port}\)"
    config.addinivalue_line("filterwarnings", f"ignore:{dropped}:ResourceWarning")
    state_dir = Path(tempfile.mkdtemp(prefix="state-", dir=valkey.folder))
    os.environ["CARVEOUT_CACHE_DIR"] = str(state_dir / "cache")
    ours = {**settings.CARVEOUT, "REDIS_URL": valkey.url, "STATE_DIR": state_dir}
    queues = carveout.rq_queues(ours)
    config.stash[pointed] = override_settings(CARVEOUT=ours, RQ_QUEUES=queues)
    config.stash[pointed].enable()


def pytest_unconfigure(config: pytest.Config) -> None:
    if pointed in config.stash:
        config.stash[pointed].disable()
        config.stash[servers].close()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONG_FILES)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Iterator[pytest.TestReport]:
    """Escape surrogates in what a test logged: xdist can't send them, and ends the whole run."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report


@pytest.fixture
def valkey(pytestconfig: pytest.Config) -> ValkeyForTests:
    """The test Valkey: running and empty, whatever the test before did to it."""
    server = pytestconfig.stash[servers]
    server.flush()
    return server


@pytest.fixture(autouse=True)
def real_redis(request: pytest.FixtureRequest) -> None:
    """Everything but unit tests meets a running and empty Valkey."""
    if "unit" not in request.path.parts:
        request.getfixturevalue("valkey")


@pytest.fixture
def redis_url(valkey: ValkeyForTests) -> str:
    return valkey.url


@pytest.fixture(scope="session")
def smtp_server() -> Iterator[SmtpForTests]:
    server = SmtpForTests()
    yield server
    server.stop()


@pytest.fixture
def smtp(smtp_server: SmtpForTests) -> SmtpForTests:
    """A mail server: running, accepting and empty, whatever the test before did to it."""
    server = smtp_server
    server.reset()
    return server


@pytest.fixture(scope="session")
def warm() -> Forks:
    return forks.warm()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresForTests]:
    server = PostgresForTests()
    yield server
    server.close()
