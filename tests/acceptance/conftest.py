"""The reference project as real processes, prepared anew for each test or module."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests import copies
from tests.conftest import servers
from tests.copies import CONTEXTS, ROOT
from tests.databases import Databases
from tests.servers import SmtpForTests, ValkeyForTests, free_port
from tests.systems import Deployment, System


@pytest.fixture(scope="session")
def databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Databases:
    folder = tmp_path_factory.mktemp("databases")
    return Databases(folder, lambda: request.getfixturevalue("postgres"))


@pytest.fixture(scope="session")
def copy_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder that holds the code of one context and of no other; made once."""
    folder = tmp_path_factory.mktemp("copies")
    made: dict[str, Path] = {}

    def copy(context: str) -> Path:
        if context not in made:
            made[context] = copies.only(context, folder / context)
        return made[context]

    return copy


SLOW = (
    *(
        f"test_scenario_10_the_same_on_postgresql.py::test_scenario_0{n}"
        for n in (3, 4, 6, 7, 8, 9)
    ),
    "test_scenario_12_four_deployments.py::test_scenario_03",
    "test_scenario_12_four_deployments.py::test_scenario_04",
    "test_a_part_of_the_sample_leads_to_as_much_as_an_independent_count_says",
    "test_ctrl_c_in_the_terminal_of_a_serving_demo",
    "test_staff_see_orders_events_and_cursors",
    "test_scenario_12_each_deployment_maps_and_checks_all_of_them",
)
"""What repeats others, and would take `make test` past ten minutes; `.ci/run` runs it."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(name in item.nodeid for name in SLOW):
            item.add_marker(pytest.mark.slow)


Prepare = Callable[[str, Path, ValkeyForTests, SmtpForTests], System]


@pytest.fixture(scope="session")
def prepare(databases: Databases, copy_of: Callable[[str], Path]) -> Prepare:
    """Makes systems of "<shape>-<engine>" in a folder: migrated and seeded; nothing runs yet.

    Shapes: all contexts "together" in one deployment, or each "apart" in a folder without the
    others' code.
    """

    def prepared(
        shape_and_engine: str, folder: Path, valkey: ValkeyForTests, smtp: SmtpForTests
    ) -> System:
        shape, engine = shape_and_engine.split("-")
        parts = [CONTEXTS] if shape == "together" else [(context,) for context in CONTEXTS]
        ports = {part: free_port() for part in parts}
        env = {"REDIS_URL": valkey.url, "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(smtp.port)}
        if shape == "apart":
            env |= {
                f"URL_{part[0].upper()}": f"http://127.0.0.1:{ports[part]}/internal"
                for part in parts
            }

        def deployment(part: Sequence[str]) -> Deployment:
            project = ROOT if shape == "together" else copy_of(part[0])
            state_dir = folder / "-".join(part)
            state_dir.mkdir()
            own = {**env, "CONTEXTS": ",".join(part)}
            own["DATABASE_URL"] = databases.new(engine, project, own, to=state_dir)
            return Deployment(project, part, state_dir, ports[tuple(part)], own)

        return System([deployment(part) for part in parts])

    return prepared


@pytest.fixture
def system(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    prepare: Prepare,
    valkey: ValkeyForTests,
    smtp: SmtpForTests,
) -> Iterator[System]:
    """A system for this test alone, or the one of its module.

    Parametrise it indirectly if it should not be "together-sqlite".
    """
    if lasts(request):
        yield request.getfixturevalue("lasting_system")
        return
    running = prepare(getattr(request, "param", "together-sqlite"), tmp_path, valkey, smtp)
    yield running
    running.end()


def lasts(request: pytest.FixtureRequest) -> bool:
    """Do the tests of this module share one system? It says so with SHAPE, "<shape>-<engine>"."""
    return hasattr(request.module, "SHAPE")


@pytest.fixture
def valkey(request: pytest.FixtureRequest) -> ValkeyForTests:
    """The test Valkey, running; empty too, except for systems that last."""
    server = request.config.stash[servers]
    server.start() if lasts(request) else server.flush()
    return server


@pytest.fixture
def smtp(request: pytest.FixtureRequest, smtp_server: SmtpForTests) -> SmtpForTests:
    """A mail server, running and accepting; empty too, except for systems that last."""
    smtp_server.start() if lasts(request) else smtp_server.reset()
    smtp_server.behaviour = "accept"
    return smtp_server


@pytest.fixture(scope="module")
def lasting_system(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    prepare: Prepare,
    smtp_server: SmtpForTests,
) -> Iterator[System]:
    valkey = request.config.stash[servers]
    valkey.flush()
    smtp_server.reset()
    shape = request.module.SHAPE
    running = prepare(shape, tmp_path_factory.mktemp(shape), valkey, smtp_server)
    yield running
    running.end()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Iterator[pytest.TestReport]:
    """Show what the processes printed when a test with a system fails."""
    report = yield
    if report.failed:
        for process in getattr(item, "funcargs", {}).get("system", ()):
            report.sections.append((f"{process.name} printed", process.tail()))
    return report
