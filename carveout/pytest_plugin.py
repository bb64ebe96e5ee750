"""Fixtures for pytest; installed with the distribution."""

# Pytest loads this before Django is set up, so what needs Django is imported when it is used.
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

RECORDING = "carveout-record.json"
"""Where a recording is written to, in the folder that pytest was started in."""

if TYPE_CHECKING:
    from carveout.event import Event


@pytest.fixture
def published_events() -> "Iterator[list[Event]]":
    """The events that the test publishes, in order."""
    from carveout.testing import capture_events

    with capture_events() as events:
        yield events


@pytest.fixture
def drain_events(db: None) -> Callable[[], None]:
    """Call it to deliver everything that was published so far."""
    from carveout.testing import drain

    return drain


@pytest.fixture
def eager_events() -> Iterator[None]:
    """What the code publishes in the test has arrived when the code's transaction ends."""
    from carveout.testing import eager_events

    with eager_events():
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("carveout", "Carveout: couplings that running shows")
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
        help="before Python 3.12: trace every call, to tell the modules that no test reached",
    )
    group.addoption("--carveout-root", metavar="DIR", help="first-party code lies here")
    group.addoption(
        "--carveout-contexts",
        metavar="GROUPING",
        help="try a grouping: context=app,app;context=app, or a file of such lines",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("carveout_record"):
        _give_back(config)
        from carveout.recorder.session import Session

        config.pluginmanager.register(Session(config), "carveout-recorder")


def _give_back(config: pytest.Config) -> None:
    """In `--carveout-record tests` the word after the option names tests, and no file to write."""
    given = config.option.carveout_record
    if given.endswith(".json"):
        return
    if not Path(given.partition("::")[0]).exists():
        raise pytest.UsageError(f"--carveout-record={given}: the file's name must end in .json")
    config.option.carveout_record = RECORDING
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    config.args = [*(config.args if named else ()), given]
