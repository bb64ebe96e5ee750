"""Fixtures for pytest, and the options of the recorder; installed with the distribution."""

# Pytest loads this before Django is set up, so modules that need Django are imported on use.
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from carveout.carving.recorder import RECORDING
from carveout.conf.requirements import lacking_for_carving

if TYPE_CHECKING:
    from carveout.events.event import Event


@pytest.fixture
def published_events() -> "Iterator[list[Event]]":
    """The events that the test publishes, in order."""
    from carveout.testing import capture_events

    with capture_events() as events:
        yield events


@pytest.fixture
def drain_events(db: None) -> Callable[[], None]:
    """A function that delivers everything that was published so far."""
    from carveout.testing import drain

    return drain


@pytest.fixture
def eager_events() -> Iterator[None]:
    """Within the test, events are delivered as soon as the transaction of the code ends."""
    from carveout.testing import eager_events

    with eager_events():
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("carveout", "Carveout: couplings that show at run time")
    group.addoption(
        "--carveout-record",
        nargs="?",
        const=RECORDING,
        metavar="FILE",
        help="record which apps need each other's tables, and write it to a file",
    )
    group.addoption(
        "--carveout-reach",
        action="store_true",
        help="before Python 3.12: trace every call, to find the modules that no test reached",
    )
    group.addoption("--carveout-root", metavar="DIR", help="the folder of first-party code")
    group.addoption(
        "--carveout-contexts",
        metavar="GROUPING",
        help="try a grouping: context=app,app;context=app, or a file with such lines",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("carveout_record"):
        if lacking := lacking_for_carving("--carveout-record"):
            raise pytest.UsageError(lacking)
        _move_tests_back(config)
        _require_folder(config)
        from carveout.carving.recorder.pytest_session import Session

        config.pluginmanager.register(Session(config), "carveout-recorder")


def _move_tests_back(config: pytest.Config) -> None:
    """In `--carveout-record tests` the word after the option names tests, not a file to write."""
    given = config.option.carveout_record
    if given.endswith(".json"):
        return
    if not Path(given.partition("::")[0]).exists():
        raise pytest.UsageError(f"--carveout-record={given}: the file's name must end in .json")
    config.option.carveout_record = RECORDING
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    config.args = [*(config.args if named else ()), given]


def _require_folder(config: pytest.Config) -> None:
    """Fails before the tests run, not after them."""
    given = config.option.carveout_record
    if not (config.invocation_params.dir / given).parent.is_dir():
        raise pytest.UsageError(f"--carveout-record={given}: there is no such folder.")
