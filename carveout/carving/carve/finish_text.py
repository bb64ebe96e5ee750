"""Shows the steps of finishing seams as text."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from carveout.carving.carve.finishing import PUBLISHES, SUBSCRIBES, Finished
from carveout.carving.carve.text import diff, section, unread, written_files

STEPS = {
    SUBSCRIBES: "Step 1 of 2: subscriptions also handle events that no seam published.",
    PUBLISHES: "Step 2 of 2: the calls are removed, and the events are always published.",
}


def as_text(found: Finished, states: Sequence[str], root: Path, *, written: bool) -> str:
    return "\n".join(_lines(found, states, root, written=written)) + "\n"


def _lines(found: Finished, states: Sequence[str], root: Path, *, written: bool) -> Iterator[str]:
    yield from states
    if not found.step:
        yield "Nothing to write: the code has no such seam any more."
        return
    yield STEPS[found.step]
    for change in sorted(found.changes):
        yield f"  {change.file}:{change.line}  {change.scope} → {change.becomes}"
    yield from unread(found)
    yield from section("Fix first", found.blocking)
    if found.blocking:
        yield "\nNothing was written."
    elif not written:
        yield from diff(found, root)
        yield "\nNothing was written. To write this, add --write."
    else:
        yield written_files(found, root)
        yield _next(found)


def _next(found: Finished) -> str:
    if found.step == SUBSCRIBES:
        again = " ".join(f"--finish {name}" for name in found.seams)
        return (
            "Next: run your tests and deploy. Once every consumer runs this code, and not before:"
            f" manage.py carve {again}"
        )
    return "Next: run your tests, deploy."
