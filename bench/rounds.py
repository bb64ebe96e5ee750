"""Rounds: two ways of doing the same work, in turns, so that a noisy machine disturbs both."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from tqdm import tqdm


@dataclass(frozen=True)
class Result:
    """How ours compares with the baseline, over all rounds."""

    key: str
    ratios: list[float]
    ours_s: float
    baseline_s: float

    def __str__(self) -> str:
        return (
            f"{self.key:20} ratio {median(self.ratios):5.2f}"
            f"  (from {min(self.ratios):.2f} to {max(self.ratios):.2f})"
            f"  {self.ours_s * 1000:.2f} ms to {self.baseline_s * 1000:.2f} ms"
        )


def compare(
    key: str, ours: Callable[[], None], baseline: Callable[[], None], *, rounds: int, times: int
) -> Result:
    """Time both ways, `times` calls a round, after one round of each to warm up."""
    pairs = [
        (_seconds(baseline, times), _seconds(ours, times))
        for _ in tqdm(range(rounds + 1), key, leave=False)
    ][1:]
    return Result(
        key,
        [mine / theirs for theirs, mine in pairs],
        median(mine for _, mine in pairs) / times,
        median(theirs for theirs, _ in pairs) / times,
    )


def _seconds(work: Callable[[], None], times: int) -> float:
    started_at = time.perf_counter()
    for _ in range(times):
        work()
    return time.perf_counter() - started_at
