"""A test runner for Django that records. Set it with `--testrunner` or TEST_RUNNER.

It extends the runner that the project's settings name, with a recorder around its tests.
"""

import inspect
import os
import sys
import unittest
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from uuid import uuid4

from django.conf import settings
from django.core.management.base import CommandError
from django.test.runner import DiscoverRunner, ParallelTestSuite

from carveout.carving.recorder import RECORDING
from carveout.carving.recorder import recording as recordings
from carveout.carving.recorder.ending import closed, project
from carveout.carving.recorder.file_roles import RUNNERS
from carveout.carving.recorder.recording import Recording
from carveout.carving.recorder.run import RecordedRun
from carveout.conf.requirements import lacking_for_carving


class Options(NamedTuple):
    root: str | None
    contexts: str | None
    by_trace: bool


def _base() -> Any:
    """The runner of the settings; Django's if they name this one, or a subclass of it, which is
    not yet defined at this point."""
    module, _, name = settings.TEST_RUNNER.rpartition(".")
    return getattr(import_module(module), name, DiscoverRunner)


Base = _base()
RUNNERS.update(Path(inspect.getfile(each)).resolve() for each in Base.__mro__[:-1])
Parallel = getattr(Base, "parallel_test_suite", ParallelTestSuite)
NOTHING = (
    "Nothing was recorded: {}.{} does not set up databases as Django's runner does. If it runs"
    " pytest, run `python -m pytest --carveout-record`.\n"
)
_runs: dict[int, RecordedRun] = {}
"""By process id. A forked process also has its parent's run."""


def _started(options: Options) -> RecordedRun:
    """Starts the recording of this process."""
    run = _runs[os.getpid()] = RecordedRun(
        project(options.root, options.contexts), by_trace=options.by_trace
    )
    run.stack.enter_context(_naming(run))
    return run


@contextmanager
def _naming(run: RecordedRun) -> Iterator[None]:
    """Reports the start of each test to the run, before its set-up."""
    suite: Any = unittest.TestSuite
    handle = suite._handleModuleFixture  # the first thing that a suite does for a test

    def named(self: Any, test: Any, result: Any) -> None:
        run.test(test.id())
        handle(self, test, result)

    suite._handleModuleFixture = named
    try:
        yield
    finally:
        suite._handleModuleFixture = handle


class RecordingParallelSuite(Parallel):  # type: ignore[misc, valid-type]
    """Gathers what its processes record after each test class."""

    options: Options
    parts: list[Recording]

    def run(self, result: Any) -> Any:
        self.parts = []
        with TemporaryDirectory(prefix="carveout-record-") as folder:
            for each in self.subsuites:
                each.carveout = (folder, self.options)  # with it to the process that runs it
            try:
                return super().run(result)
            finally:
                self._gather(Path(folder))

    def _gather(self, folder: Path) -> None:
        self.parts = [recordings.read(file) for file in sorted(folder.glob("*.json"))]
        missing = len(self.subsuites) - len(self.parts)
        if missing:
            text = (
                f"{missing} of {len(self.subsuites)} test classes left no recording, because they"
                " did not finish"
            )
            self.parts.append(Recording(notices=[text]))


def run_subsuite(args: Any) -> Any:
    """Runs a test class in its own process, and leaves the recording in a file."""
    folder, options = args[2].carveout
    run = _of_this_process(options)
    try:
        return Parallel.run_subsuite(args)
    finally:
        new = Path(folder) / f"{uuid4().hex}.new"
        with suppress(OSError):  # a missing part is reported
            recordings.write(run.part(), new)
            new.replace(new.with_suffix(".json"))


RecordingParallelSuite.run_subsuite = run_subsuite


def _of_this_process(options: Options) -> RecordedRun:
    here = os.getpid()
    if here not in _runs and _runs:  # forked
        (_runs[here],) = _runs.values()
        _runs[here].part()  # discards what the parent recorded so far, and reports itself
    return _runs.get(here) or _started(options)


class Runner(Base):  # type: ignore[misc, valid-type]
    parallel_test_suite = RecordingParallelSuite

    def __init__(
        self,
        *args: Any,
        carveout_record: str = RECORDING,
        carveout_root: str | None = None,
        carveout_contexts: str | None = None,
        carveout_reach: bool = False,
        **kwargs: Any,
    ) -> None:
        if lacking := lacking_for_carving("Recording"):
            raise CommandError(lacking)
        super().__init__(*args, **kwargs)
        self._path = Path(carveout_record).absolute()
        if not self._path.parent.is_dir():
            raise CommandError(f"--carveout-record={carveout_record}: there is no such folder.")
        self._options = Options(carveout_root, carveout_contexts, carveout_reach)
        self._run: RecordedRun | None = None
        self._suite: Any = None

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        group = parser.add_argument_group("Carveout: couplings that show at run time")
        group.add_argument(
            "--carveout-record", metavar="FILE", default=RECORDING, help="write them to this file"
        )
        group.add_argument("--carveout-root", metavar="DIR", help="the folder of first-party code")
        group.add_argument(
            "--carveout-contexts",
            metavar="GROUPING",
            help="try a grouping: context=app,app;context=app, or a file with such lines",
        )
        group.add_argument(
            "--carveout-reach",
            action="store_true",
            help="before Python 3.12: trace every call, to find the modules that no test reached",
        )

    def build_suite(self, *args: Any, **kwargs: Any) -> Any:
        self._suite = super().build_suite(*args, **kwargs)
        self._suite.options = self._options
        return self._suite

    def setup_databases(self, **kwargs: Any) -> Any:
        """Starts recording after the tests were imported and before the first migration."""
        self._run = _started(self._options)
        return super().setup_databases(**kwargs)

    def run_tests(self, *args: Any, **kwargs: Any) -> Any:
        try:
            failed = super().run_tests(*args, **kwargs)
        finally:
            if self._run is not None:
                self._report(self._run)
        if self._run is None:
            sys.stdout.write(NOTHING.format(Base.__module__, Base.__qualname__))
        return failed

    def _report(self, run: RecordedRun) -> None:
        _runs.clear()
        parts = [run.end(), *getattr(self._suite, "parts", ())]
        ours = project(self._options.root, self._options.contexts)
        for line in closed(parts, ours, self._path):
            sys.stdout.write(f"{line}\n")
