"""Stores what one run showed, in a file or to pass it between processes."""

from codecs import BOM_UTF8
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from carveout.carving.recorder.file_roles import CODE
from carveout.carving.recorder.observations import Observations
from carveout.carving.recorder.recorder import Recorder
from carveout.carving.survey.coupling import Coupling
from carveout.errors import SettingsInvalid
from carveout.runtime import unix


class Recording(msgspec.Struct, kw_only=True):
    couplings: list[Coupling] = []
    """Couplings of code."""
    apart: dict[str, list[Coupling]] = {}
    """Couplings of tests, set-up and migrations, by role."""
    reached: list[str] | None = None
    """Modules that had a function run; None if unknown."""
    reach_notice: str = ""
    """Why they are unknown."""
    unreached: list[str] = []
    """Modules with functions, none of which ran."""
    tests: int = 0
    requests: int = 0
    statements: int = 0
    parsed: int = 0
    spent_s: float = 0.0
    """Time in the recorder, of all processes."""
    ran_s: float = 0.0
    """Total time from the first test to the last, of all processes."""
    closing_s: float = 0.0
    """Time at the end for the survey that it is compared with, in one process."""
    notices: list[str] = []


def of(recorder: Recorder) -> Recording:
    seen = recorder.detector.observations
    return Recording(
        couplings=seen.couplings(CODE),
        apart={role: seen.couplings(role) for role in seen.by_role if role != CODE},
        statements=recorder.seen,
        parsed=recorder.statements.parsed,
        spent_s=recorder.spent_ns / 1e9,
        notices=[*_notices(recorder)],
    )


def taken(recorder: Recorder) -> Recording:
    """What was recorded since the last call. The recorder starts again from zero."""
    part = of(recorder)
    recorder.detector.observations = Observations()
    recorder.seen = recorder.statements.parsed = recorder.spent_ns = recorder.failed = 0
    recorder.statements.unparsed = {}
    return part


def _notices(recorder: Recorder) -> Iterable[str]:
    unparsed = recorder.statements.unparsed
    for text, why in unparsed.items():
        yield f"only matched by keywords, because sqlglot failed with {why!r}: {text[:200]}"
    if recorder.failed:
        yield f"the recorder failed {recorder.failed} times, first with {recorder.failure}"
    left_out = recorder.detector.observations.left_out
    if left_out:
        yield f"{left_out} observations were left out, because there were too many"


def merged(recordings: Iterable[Recording]) -> Recording:
    """Merges the recordings of several processes: each coupling once, counts added up."""
    together = Recording()
    for each in recordings:
        together.couplings = _merged(together.couplings, each.couplings)
        for role, couplings in each.apart.items():
            together.apart[role] = _merged(together.apart.get(role, []), couplings)
        if each.reached is not None:
            together.reached = sorted({*(together.reached or ()), *each.reached})
        together.reach_notice = together.reach_notice or each.reach_notice
        together.notices = [*dict.fromkeys([*together.notices, *each.notices])]
        for name in ("tests", "requests", "statements", "parsed", "spent_s", "ran_s", "closing_s"):
            setattr(together, name, getattr(together, name) + getattr(each, name))
    return together


def _merged(one: list[Coupling], other: list[Coupling]) -> list[Coupling]:
    found = {each.identity: each for each in one}
    for each in other:
        known = found.get(each.identity)
        found[each.identity] = _summed(known, each) if known else each
    return list(found.values())


def _summed(one: Coupling, other: Coupling) -> Coupling:
    counts = {
        name: one.details.get(name, 0) + other.details.get(name, 0) for name in ("tests", "times")
    }
    details = {**other.details, **one.details, **{name: n for name, n in counts.items() if n}}
    return msgspec.structs.replace(one, details=details)


def write(recording: Recording, path: Path) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(recording, enc_hook=_plain), indent=2))


def _plain(text: str) -> str:
    """Converts template names of Django's own string class, which `str` would not convert."""
    return str.__str__(text)


def add(part: Recording, path: Path) -> None:
    """Adds a part to the file, which several processes write to.

    Raises: OSError, if the file can't be written. SettingsInvalid, if it is not a recording.
    """
    with path.with_suffix(".lock").open("a") as lock:
        unix.lock(lock)  # without locks, the last writer wins
        known = [read(path)] if path.exists() else []
        new = path.with_suffix(".new")
        write(merged([*known, part]), new)
        new.replace(path)


def read(path: Path) -> Recording:
    """Raises: SettingsInvalid, if there is no such file, or it is not a recording."""
    try:
        return msgspec.json.decode(path.read_bytes().removeprefix(BOM_UTF8), type=Recording)
    except (OSError, msgspec.DecodeError) as error:
        raise SettingsInvalid(f"{path} is not a recording: {error}") from error


def as_plain(recording: Recording) -> Any:
    """The recording as plain values, the only ones that xdist passes on."""
    return msgspec.to_builtins(recording)


def from_plain(plain: Any) -> Recording:
    return msgspec.convert(plain, Recording)
