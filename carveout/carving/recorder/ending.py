"""Ends a recorded run: merges its parts, compares them with a survey, writes and reports them."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from time import perf_counter

from carveout.carving.recorder import recording as recordings
from carveout.carving.recorder.module_coverage import unreached
from carveout.carving.recorder.recording import Recording
from carveout.carving.recorder.report import as_text
from carveout.carving.survey import grouping
from carveout.carving.survey.project import Project
from carveout.carving.survey.project_root import default_root
from carveout.carving.survey.result import Survey
from carveout.carving.survey.run import survey


def project(root: str | None, contexts: str | None) -> Project:
    """The project, by the same options as those of the survey."""
    grouped = grouping.parse(contexts) if contexts else grouping.declared()
    return Project(Path(root) if root else default_root(), grouped)


def closed(
    parts: Iterable[Recording],
    ours: Project,
    path: Path,
    clock: Callable[[], float] = perf_counter,  # bound here: tests may freeze the clock
) -> Iterator[str]:
    """Writes the file. Yields: the report's lines."""
    began = clock()
    together = recordings.merged(parts)
    if together.reached is not None:
        together.unreached = unreached(ours, {*together.reached})
    found = _surveyed(ours, together)
    together.closing_s = clock() - began
    recordings.write(together, path)
    yield from as_text(together, found, ours)
    yield f"The full recording is in {path}."


def _surveyed(ours: Project, together: Recording) -> Survey | None:
    try:
        return survey(ours)
    except Exception as error:  # without a survey, the recording is still of use
        together.notices.append(f"not compared with a survey, because it failed: {error!r}")
        return None
