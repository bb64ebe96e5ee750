"""Rounds: ways of doing the same work, in turns, so that a noisy machine disturbs all alike."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from statistics import fmean, median

from tqdm import tqdm


@dataclass(frozen=True)
class Scale:
    """How much is done: enough to measure, or just so much that everything has run once."""

    quick: bool = False

    @property
    def rounds(self) -> int:
        return 1 if self.quick else 5

    def of(self, count: int) -> int:
        return max(count // 100, 10) if self.quick else count


@dataclass(frozen=True)
class Answer:
    """The ratios of all rounds, and the two medians that they come from."""

    ratios: list[float]
    ours: float
    baseline: float
    unit: str = "ms"

    def as_json(self) -> dict:
        return asdict(self)


class Taken(dict[str, list[float]]):
    """What each way took per piece of work, round by round, in seconds."""

    def times(self, ours: str, baseline: str) -> Answer:
        """How much longer ours takes."""
        return self._answer(ours, baseline, lambda mine, theirs: mine / theirs)

    def rates(self, ours: str, baseline: str) -> Answer:
        """How much more ours gets done in the same time."""
        return self._answer(ours, baseline, lambda mine, theirs: theirs / mine)

    def _answer(self, ours: str, baseline: str, ratio: Callable[[float, float], float]) -> Answer:
        pairs = zip(self[ours], self[baseline], strict=True)
        ratios = [ratio(mine, theirs) for mine, theirs in pairs]
        return Answer(ratios, median(self[ours]) * 1000, median(self[baseline]) * 1000)


def in_turns(
    scale: Scale, ways: Mapping[str, Callable[[], float]], name: str, *, stretches: int = 1
) -> Taken:
    """Let each way work in every round, forwards and backwards, after one round to warm up.

    A way returns the seconds per piece of work that it took. `stretches`: so often do the ways take
    turns within a round, for short work.
    """
    taken = Taken({way: [] for way in ways})
    warm_up = 0 if scale.quick else 1
    for number in tqdm(range(warm_up + scale.rounds), name, leave=False):
        round_ = _round(ways, 1 if scale.quick else stretches)
        for way, seconds in round_.items():
            if number >= warm_up:
                taken[way].append(fmean(seconds))
    return taken


def _round(ways: Mapping[str, Callable[[], float]], stretches: int) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for stretch in range(stretches):
        for way in list(ways)[:: -1 if stretch % 2 else 1]:
            seconds[way].append(ways[way]())
    return seconds


def timed(
    work: Callable[[], object], pieces: int, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Seconds per piece of one call."""
    started_at = clock()
    work()
    return (clock() - started_at) / pieces


def repeated(work: Callable[[], object], times: int) -> Callable[[], None]:
    def repeat() -> None:
        for _ in range(times):
            work()

    return repeat
