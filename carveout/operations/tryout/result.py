"""Compares what two versions of a handler did, event by event."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import zip_longest

from carveout.errors import CarveoutError
from carveout.operations.tryout.one_version import read
from carveout.seams.comparison import compare_runs
from carveout.seams.effects.comparing.differences import Difference
from carveout.seams.effects.comparing.rules import Rules

GROUPS_MAX = 200


class NotAlike(CarveoutError):
    """The two versions did not get the same events: does the other one subscribe to others?"""


@dataclass
class TryoutResult:
    """What was found."""

    equal: int = 0
    different: int = 0
    without_effects: int = 0
    """Those of the equal ones for which neither version did anything."""
    raised: Counter[str] = field(default_factory=Counter)
    """By error: for how many events both versions raised it."""
    unknown: Counter[str] = field(default_factory=Counter)
    """By reason: for how many events nobody can tell."""
    groups: Counter[str] = field(default_factory=Counter)
    """By shape: for how many events there is such a difference."""
    examples: dict[str, tuple[str, Difference]] = field(default_factory=dict)
    """By shape: the key of the first event, and its difference."""

    @property
    def events(self) -> int:
        return self.equal + self.different + self.unknown.total()

    def add(self, theirs: str, ours: str) -> None:
        """Compare both versions' lines for one event. Raises: NotAlike."""
        (key, one), (other_key, other) = read(theirs), read(ours)
        if key != other_key:
            raise NotAlike
        if isinstance(one, str) or isinstance(other, str):
            self.unknown[one if isinstance(one, str) else str(other)] += 1
            return
        if found := {each.shape: each for each in compare_runs(one, other, Rules())}:
            self.different += 1
            self._group(key, found)
            return
        self.equal += 1
        self.raised.update(filter(None, [one.raised]))
        done = one.effects
        nothing = not (done.rows or any(vars(done.outside).values()) or one.raised)
        self.without_effects += nothing

    def _group(self, key: str, found: dict[str, Difference]) -> None:
        for shape, difference in found.items():
            if shape in self.groups or len(self.groups) < GROUPS_MAX:
                self.groups[shape] += 1
                self.examples.setdefault(shape, (key, difference))


def compare(theirs: Iterable[str], ours: Iterable[str]) -> TryoutResult:
    """Compare the lines of two versions, in step. Raises: NotAlike."""
    result = TryoutResult()
    for one, other in zip_longest(theirs, ours):
        if one is None or other is None:
            raise NotAlike
        result.add(one, other)
    return result
