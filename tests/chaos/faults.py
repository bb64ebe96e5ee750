"""The faults: what may happen, how often, and doing it."""

import random
import time
from collections import Counter

from tests.chaos.brittle import Brittle
from tests.chaos.crew import Crew

KILLED_S = (0.0, 1.0)
PAUSED_S = (0.1, 4.0)
"""The lease is 2 s: some pauses are longer."""

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


class Faults:
    """Lets faults happen, chosen by a random generator with a known seed."""

    def __init__(self, crew: Crew, brittle: Brittle, rng: random.Random, weights: Weights) -> None:
        self.happened: Counter[str] = Counter()
        self._crew, self._redis, self._rng, self._weights = crew, brittle, rng, weights

    def strike(self) -> None:
        """Let one fault happen."""
        [fault] = self._rng.choices(list(self._weights), list(self._weights.values()))
        victim, _, what = fault.partition(" ")
        if victim in ("kill", "pause"):
            done = self._hit(victim, what)
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
        else:
            member.pause(self._rng.uniform(*PAUSED_S))
        return True


def in_step(done: int, faults: int, made: int, events: int) -> bool:
    """Is it time for the next of so many faults, so that they spread over all events?"""
    return done < faults and done * events <= made * faults


def rest() -> None:
    time.sleep(0.02)
