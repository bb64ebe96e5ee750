"""Runs the recorder in a pytest session: starts it, names the tests, writes and reports."""

from pathlib import Path
from typing import Any

import pytest
from django.apps import apps as registry

from carveout.carving.recorder import recording as recordings
from carveout.carving.recorder.ending import closed, project
from carveout.carving.recorder.recording import Recording
from carveout.carving.recorder.run import RecordedRun
from carveout.carving.survey.project import Project

OUTPUT = "carveout_recording"
"""The key under which a worker of xdist hands over its part of the recording."""


class Session:
    """A plugin. With xdist there is one in each worker, and one in the controller that merges."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.run: RecordedRun | None = None
        self.parts: list[Recording] = []

    # -- Recording ---------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> None:
        """Starts before the first test, when Django is set up, by pytest-django or otherwise."""
        if not is_controller(self.config) and registry.ready:
            self.run = RecordedRun(
                _project(self.config), by_trace=self.config.getoption("carveout_reach")
            )

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        if self.run is not None:
            self.run.test(nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        if self.run is None:
            return
        part = self.run.end()
        if is_worker(self.config):
            self.config.workeroutput[OUTPUT] = recordings.as_plain(part)  # type: ignore[attr-defined]
        else:
            self.parts.append(part)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Takes the part of a finished xdist worker, in the controller. Crashed ones have none."""
        plain = getattr(node, "workeroutput", {}).get(OUTPUT)
        if plain is not None:
            self.parts.append(recordings.from_plain(plain))

    # -- Reporting ---------------------------------------------------------------------------

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        terminalreporter.section("carveout: couplings seen at run time")
        if not self.parts:
            terminalreporter.write_line("Nothing was recorded: Django was not set up.")
            return
        for line in closed(self.parts, _project(self.config), self.path):
            terminalreporter.write_line(line)

    @property
    def path(self) -> Path:
        return self.config.invocation_params.dir / str(self.config.getoption("carveout_record"))


def _project(config: pytest.Config) -> Project:
    return project(config.getoption("carveout_root"), config.getoption("carveout_contexts"))


def is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def is_controller(config: pytest.Config) -> bool:
    """Whether this is the controller of xdist, whose workers run the tests."""
    return bool(config.pluginmanager.hasplugin("dsession"))
