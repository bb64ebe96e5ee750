"""A recording: what one run showed, as it is kept in a file and passed between processes."""

from codecs import BOM_UTF8
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from carveout import unix
from carveout.errors import SettingsInvalid
from carveout.recorder.findings import Findings
from carveout.recorder.owners import CODE
from carveout.recorder.recorder import Recorder
from carveout.survey.coupling import Coupling


class Recording(msgspec.Struct, kw_only=True):
    couplings: list[Coupling] = []
    """Of code."""
    apart: dict[str, list[Coupling]] = {}
    """Of tests, set-up and migrations."""
    reached: list[str] | None = None
    """Modules of which a function ran; None where that is not known."""
    reach_notice: str = ""
    """Why it is not."""
    unreached: list[str] = []
    """Modules with functions of which none ran."""
    tests: int = 0
    requests: int = 0
    statements: int = 0
    parsed: int = 0
    spent_s: float = 0.0
    """In the recorder, of all processes."""
    ran_s: float = 0.0
    """In all: from the first test to the last, of all processes."""
    notices: list[str] = []


def of(recorder: Recorder) -> Recording:
    findings = recorder.witness.findings
    return Recording(
        couplings=findings.couplings(CODE),
        apart={role: findings.couplings(role) for role in findings.by_role if role != CODE},
        statements=recorder.seen,
        parsed=recorder.statements.parsed,
        spent_s=recorder.spent_ns / 1e9,
        notices=[*_notices(recorder)],
    )


def taken(recorder: Recorder) -> Recording:
    """What was found since the last time; the recorder begins anew."""
    part = of(recorder)
    recorder.witness.findings = Findings()
    recorder.seen = recorder.statements.parsed = recorder.spent_ns = recorder.failed = 0
    recorder.statements.unparsed = {}
    return part


def _notices(recorder: Recorder) -> Iterable[str]:
    unparsed = recorder.statements.unparsed
    for text, why in unparsed.items():
        yield f"read by its words only, since sqlglot says {why!r}: {text[:200]}"
    if recorder.failed:
        yield f"the recorder failed {recorder.failed} times, first with {recorder.failure}"
    left_out = recorder.witness.findings.left_out
    if left_out:
        yield f"{left_out} findings were left out: there were too many"


def merged(recordings: Iterable[Recording]) -> Recording:
    """One of several processes: each coupling once, what was counted summed up."""
    together = Recording()
    for each in recordings:
        together.couplings = _merged(together.couplings, each.couplings)
        for role, couplings in each.apart.items():
            together.apart[role] = _merged(together.apart.get(role, []), couplings)
        if each.reached is not None:
            together.reached = sorted({*(together.reached or ()), *each.reached})
        together.reach_notice = together.reach_notice or each.reach_notice
        together.notices = [*dict.fromkeys([*together.notices, *each.notices])]
        for name in ("tests", "requests", "statements", "parsed", "spent_s", "ran_s"):
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
    path.write_bytes(msgspec.json.format(msgspec.json.encode(recording), indent=2))


def add(part: Recording, path: Path) -> None:
    """Put a part to what is in the file, which several processes write to.

    Raises: OSError: the file can't be written. SettingsInvalid: it is no recording.
    """
    with path.with_suffix(".lock").open("a") as lock:
        unix.lock(lock)  # without locks, whoever writes last wins
        known = [read(path)] if path.exists() else []
        new = path.with_suffix(".new")
        write(merged([*known, part]), new)
        new.replace(path)


def read(path: Path) -> Recording:
    """Raises: SettingsInvalid: there is no such file, or it is no recording."""
    try:
        return msgspec.json.decode(path.read_bytes().removeprefix(BOM_UTF8), type=Recording)
    except (OSError, msgspec.DecodeError) as error:
        raise SettingsInvalid(f"{path} is no recording: {error}") from error


def as_plain(recording: Recording) -> Any:
    """For xdist, which passes only plain values on."""
    return msgspec.to_builtins(recording)


def from_plain(plain: Any) -> Recording:
    return msgspec.convert(plain, Recording)
