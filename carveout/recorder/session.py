"""The recorder in a pytest session: starts it, names the tests, writes the file and reports."""

from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from django.apps import apps as registry

from carveout.recorder import recording as recordings
from carveout.recorder.reach import Reach, unreached
from carveout.recorder.recorder import Recorder
from carveout.recorder.recording import Recording
from carveout.recorder.report import as_text
from carveout.survey import grouping
from carveout.survey.found import Survey
from carveout.survey.project import Project, default_root
from carveout.survey.survey import survey

OUTPUT = "carveout_recording"
"""What a worker of xdist calls its part of the recording."""


class Session:
    """A plugin. With xdist there is one in each worker, and one in the controller that merges."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.recorder: Recorder | None = None
        self.reach: Reach
        self.parts: list[Recording] = []
        self.tests = 0
        self._stack = ExitStack()
        self._began = 0.0
        self._clock = perf_counter  # our own: tests may freeze the clock of every module

    # -- Recording ---------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> None:
        """Before the first test: now Django is set up, whoever does that."""
        if not is_controller(self.config) and registry.ready:
            self.recorder = Recorder(project(self.config))
            self.reach = Reach(self.recorder.witness.places.owners)
            self._stack.enter_context(self.recorder.recording())
            by_trace = self.config.getoption("carveout_reach")
            self._stack.enter_context(self.reach.watching(by_trace=by_trace))
            self._began = self._clock()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        if self.recorder is not None:
            self.recorder.witness.test = nodeid
            self.tests += 1

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        if self.recorder is None:
            return
        self._stack.close()
        part = recordings.of(self.recorder)
        part.tests = self.tests
        part.reached = None if self.reach.modules is None else sorted(self.reach.modules)
        part.reach_notice = self.reach.notice
        part.ran_s = self._clock() - self._began
        if is_worker(self.config):
            self.config.workeroutput[OUTPUT] = recordings.as_plain(part)  # type: ignore[attr-defined]
        else:
            self.parts.append(part)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """In the controller of xdist: a worker is done. One that crashed has nothing to hand on."""
        plain = getattr(node, "workeroutput", {}).get(OUTPUT)
        if plain is not None:
            self.parts.append(recordings.from_plain(plain))

    # -- Telling -----------------------------------------------------------------------------

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        terminalreporter.section("carveout: couplings that running showed")
        if not self.parts:
            terminalreporter.write_line("Nothing was recorded: Django was not set up.")
            return
        together = recordings.merged(self.parts)
        ours = project(self.config)
        if together.reached is not None:
            together.unreached = unreached(ours, {*together.reached})
        found = self._surveyed(ours, together)
        recordings.write(together, self.path)
        for line in as_text(together, found, ours):
            terminalreporter.write_line(line)
        terminalreporter.write_line(f"All of it is in {self.path}.")

    @property
    def path(self) -> Path:
        return self.config.invocation_params.dir / str(self.config.getoption("carveout_record"))

    def _surveyed(self, ours: Project, together: Recording) -> Survey | None:
        try:
            return survey(ours)
        except Exception as error:  # of a project that can't be surveyed, the recording counts
            together.notices.append(f"the survey failed, so nothing is compared: {error!r}")
            return None


def project(config: pytest.Config) -> Project:
    given = config.getoption("carveout_contexts")
    root = config.getoption("carveout_root")
    grouped = grouping.parse(given) if given else grouping.declared()
    return Project(Path(root) if root else default_root(), grouped)


def is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def is_controller(config: pytest.Config) -> bool:
    """Of xdist, where the workers run the tests."""
    return bool(config.pluginmanager.hasplugin("dsession"))
