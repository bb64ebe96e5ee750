"""Records the tests of one process, from the first to the last."""

from contextlib import ExitStack
from time import perf_counter

from carveout.carving.recorder import recording as recordings
from carveout.carving.recorder.module_coverage import ModuleCoverage
from carveout.carving.recorder.recorder import Recorder
from carveout.carving.recorder.recording import Recording
from carveout.carving.survey.project import Project


class RecordedRun:
    """Records from its creation until `end`."""

    def __init__(self, project: Project, *, by_trace: bool) -> None:
        self._clock = perf_counter  # our own: tests may freeze the clock of every module
        self._began = self._clock()
        self._tests = 0
        self.recorder = Recorder(project)
        self.reach = ModuleCoverage(self.recorder.detector.places.owners)
        self.stack = ExitStack()
        """What `end` undoes."""
        self.stack.enter_context(self.recorder.recording())
        self.stack.enter_context(self.reach.watching(by_trace=by_trace))
        self.recorder.spent_ns += int((self._clock() - self._began) * 1e9)

    def test(self, name: str) -> None:
        """Notes that a test begins, including its set-up."""
        self.recorder.detector.test = name
        self._tests += 1

    def part(self) -> Recording:
        """What was recorded since the last part."""
        part = recordings.taken(self.recorder)
        part.tests, self._tests = self._tests, 0
        part.reached = None if self.reach.modules is None else sorted(self.reach.modules)
        part.reach_notice = self.reach.notice
        now = self._clock()
        part.ran_s, self._began = now - self._began, now
        return part

    def end(self) -> Recording:
        """Stops recording. Returns: the last part."""
        self.stack.close()
        return self.part()
