"""What is claimed of the model, and what each precaution is for."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.model.spin import EVERYTHING_ARRIVES, Verdict, check_liveness, check_safety


@dataclass(frozen=True)
class Bounds:
    """How large the model is."""

    events: int
    relays: int = 2
    consumers: int = 2
    restore: bool = False

    @property
    def flags(self) -> list[str]:
        names = ("events", "relays", "consumers")
        bounds = [f"{name.upper()}={getattr(self, name)}" for name in names]
        return [*bounds, "RESTORE"] if self.restore else bounds

    def __str__(self) -> str:
        restore = ", a restore" if self.restore else ""
        workers = f"{self.relays} relay(s), {self.consumers} consumer(s)"
        return f"{self.events} events, {workers}{restore}"


SMALL = Bounds(events=2)
LARGE = Bounds(events=3)
LARGE_WITH_ONE_RELAY = Bounds(events=3, relays=1)
SMALL_RESTORED = Bounds(events=2, relays=1, consumers=1, restore=True)
RESTORED = Bounds(events=3, relays=1, consumers=1, restore=True)

MUTATIONS = {
    "NO_CAS": "NOT_HANDLED_BEFORE",
    "CURSOR_OUTSIDE_TX": "NOT_HANDLED_BEFORE",
    "CURSOR_MOVED_FIRST": "CURSOR_PASSES_NO_HOLE",
    "NO_GAP_CHECK": "EARLIER_IS_HANDLED",
    "NO_REPAIR": EVERYTHING_ARRIVES,
    "NO_EXPLICIT_ID": "ENTRY_IS_THE_ROW",
    "PUBLISHED_FLAG": EVERYTHING_ARRIVES,
    "HEAD_READ_FIRST": "STREAM_IS_NOT_AHEAD",
    "NO_HEAD_LOCK": "POSITION_IS_FREE",
    "NEWEST_FIRST": "CAUSE_CAME_FIRST",
    "PUBLISH_OUTSIDE_TX": "NO_PHANTOM",
    "NO_TAIL_COMPARE": "NO_PHANTOM",
    "NO_EVENT_COMPARE": "NO_PHANTOM",
    "NO_CURSOR_COMPARE": "EARLIER_IS_HANDLED",
}
"""Each precaution that the model can do without, and the property that breaks then."""
BOUNDS = {
    "NO_EXPLICIT_ID": Bounds(events=3, relays=1, consumers=1),
    "NO_TAIL_COMPARE": RESTORED,
    "NO_EVENT_COMPARE": SMALL_RESTORED,
    "NO_CURSOR_COMPARE": RESTORED,
}
"""Of those that need others than the small ones."""


@dataclass(frozen=True)
class Finding:
    """One line of the table."""

    claim: str
    bounds: Bounds
    expected: str
    verdict: Verdict

    @property
    def as_expected(self) -> bool:
        return self.verdict.violated == self.expected


def refute(mutation: str) -> Finding:
    """Take one precaution away."""
    expected = MUTATIONS[mutation]
    bounds = BOUNDS.get(mutation, SMALL)
    flags = [*bounds.flags, mutation]
    if expected == EVERYTHING_ARRIVES:
        verdict = check_liveness(flags)
    else:
        verdict = check_safety(flags, shortest=True)
    return Finding(f"without it: {mutation}", bounds, expected, verdict)


def safety(bounds: Bounds) -> Finding:
    return Finding("nothing bad happens", bounds, "", check_safety(bounds.flags))


def liveness(bounds: Bounds) -> Finding:
    return Finding("everything arrives", bounds, "", check_liveness(bounds.flags))


def findings() -> Iterator[Finding]:
    """All of them, as they are found."""
    for mutation in MUTATIONS:
        yield refute(mutation)
    yield liveness(SMALL)
    yield liveness(SMALL_RESTORED)
    yield liveness(LARGE_WITH_ONE_RELAY)
    yield safety(RESTORED)
    yield safety(LARGE)
