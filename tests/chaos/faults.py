"""The faults: what may happen, how often, and doing it."""

import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

from tests.chaos.brittle import Brittle
from tests.chaos.crew import Crew

KILLED_S = (0.0, 1.0)
PAUSED_S = (0.1, 4.0)
"""The lease is 2 s: some pauses are longer."""

OFF_S = (-86_400.0, 86_400.0)
WRONG_FOR_S = (0.5, 4.0)
"""A clock is a day behind or ahead for so long, and then right."""

Weights = dict[str, float]

ALL: Weights = {
    "kill relay": 6,
    "kill consumer": 12,
    "kill worker": 6,
    "kill writer": 6,
    "pause relay": 5,
    "pause consumer": 10,
    "pause worker": 4,
    "pause writer": 3,
    "redis restart": 3,
    "redis restart empty": 2,
    "redis flush": 3,
    "redis trim": 4,
    "redis delete entries": 3,
    "redis delete stream": 3,
    "redis delete any key": 4,
    "redis spoil groups": 2,
    "proxy cut": 4,
    "proxy mute": 4,
}
OF_KIND: dict[str, Weights] = {
    "clocks": {"clock relay": 2, "clock consumer": 5, "clock worker": 4, "clock writer": 2},
    "releases": {"release relay": 1, "release consumer": 4, "release worker": 4},
    "pgbouncer": {"database restart pooler": 3, "database crash": 2},
}
"""What else may happen, by the kind of fault that a plan asks for."""


def of_kinds(kinds: Collection[str]) -> Weights:
    """All faults of these kinds, and those that any run has."""
    return ALL | {name: each for kind in kinds for name, each in OF_KIND.get(kind, {}).items()}


class Faults:
    """Lets faults happen, chosen by a random generator with a known seed."""

    def __init__(
        self,
        crew: Crew,
        brittle: Brittle,
        rng: random.Random,
        weights: Weights,
        database: Mapping[str, Callable[[], None]] = MappingProxyType({}),
    ) -> None:
        """database: what may happen to the databases, by name."""
        self.happened: Counter[str] = Counter()
        self._crew, self._redis, self._rng, self._weights = crew, brittle, rng, weights
        self._database = database

    def strike(self) -> None:
        """Let one fault happen."""
        [fault] = self._rng.choices(list(self._weights), list(self._weights.values()))
        victim, _, what = fault.partition(" ")
        if victim in ("kill", "pause", "clock", "release"):
            done = self._hit(victim, what)
        elif fault in self._database:
            self._database[fault]()
            done = True
        else:
            self._redis.faults(self._rng)[fault]()
            done = True
        self.happened[fault] += done

    def _hit(self, how: str, role: str) -> bool:
        member = self._crew.any_of(role, self._rng)
        if member is None:
            return False
        if how == "kill":
            member.kill(self._rng.uniform(*KILLED_S))
        elif how == "clock":
            member.kill(0.0, (self._rng.choice(OFF_S), self._rng.uniform(*WRONG_FOR_S)))
        elif how == "release":
            member.ask_to_end()
        else:
            member.pause(self._rng.uniform(*PAUSED_S))
        return True


def in_step(done: int, faults: int, made: int, events: int) -> bool:
    """Is it time for the next of so many faults, so that they spread over all events?"""
    return done < faults and done * events <= made * faults


def rest() -> None:
    time.sleep(0.02)
