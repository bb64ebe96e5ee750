"""The processes of a run: they die, are paused, and are started again."""

import random
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from tests.chaos.nursery import Child, Nursery

END_TIMEOUT_S = 8.0


class Member:
    """One post, held by one process after the other."""

    def __init__(self, role: str, arguments: tuple[str, ...], nursery: Nursery, log: Path) -> None:
        self.role, self.log = role, log
        self._arguments, self._nursery = arguments, nursery
        self._child: Child | None = None
        self._back_at = 0.0
        self._paused = False

    @property
    def at_work(self) -> bool:
        return self._child is not None and self._child.running and not self._paused

    def start(self) -> None:
        self._child = self._nursery.start(*self._arguments, log=self.log)

    def kill(self, away_s: float) -> None:
        assert self._child
        self._child.kill()
        self._child, self._back_at = None, time.monotonic() + away_s

    def pause(self, away_s: float) -> None:
        assert self._child
        self._child.signal(signal.SIGSTOP)
        self._paused, self._back_at = True, time.monotonic() + away_s

    def come_back(self, *, at_once: bool = False) -> None:
        """Go on, or be started again, when it is time."""
        if time.monotonic() < self._back_at and not at_once:
            return
        if self._child is None:
            self.start()
        elif self._paused:
            self._child.signal(signal.SIGCONT)
            self._paused = False

    @property
    def died(self) -> bool:
        """Did it end although nobody killed it?"""
        return self._child is not None and not self._child.running

    def end(self) -> bool:
        """Ask it to end. Returns: did it, in time?"""
        if self._child is None:
            return True
        self._child.signal(signal.SIGTERM)
        in_time = self._child.wait(END_TIMEOUT_S)
        if not in_time:
            self._child.kill()
        self._child = None
        return in_time


class Crew:
    """Writers, relays, consumers and job workers."""

    SIZES = {"writer": 4, "relay": 2, "consumer": 3, "worker": 2}
    COMMANDS = {
        "relay": ("relay",),
        "consumer": ("consume", "audit"),
        "worker": ("work", "audit", "--verbosity=0"),
    }

    def __init__(
        self,
        nursery: Nursery,
        events: int,
        folder: Path,
        pace_s: float = 0.0,
        sizes: Mapping[str, int] = SIZES,
    ) -> None:
        self._commands = {**self.COMMANDS, "writer": ("write", str(events), f"--pace={pace_s}")}
        self._nursery, self._folder = nursery, folder
        self.members: list[Member] = []
        for role, size in sizes.items():
            for _ in range(size):
                self.add(role)
        self.died: list[str] = []

    def start(self) -> None:
        for member in self.members:
            member.start()

    def add(self, role: str) -> Member:
        """One more, who is not started yet."""
        log = self._folder / f"{role}-{len(self.of(role))}.log"
        member = Member(role, self._commands[role], self._nursery, log)
        self.members.append(member)
        return member

    def of(self, role: str) -> list[Member]:
        return [member for member in self.members if member.role == role]

    def at_work(self, role: str) -> list[Member]:
        return [member for member in self.of(role) if member.at_work]

    def any_of(self, role: str, rng: random.Random) -> Member | None:
        """Somebody who is at work in this role, if anybody is."""
        return rng.choice(self.at_work(role) or [None])

    def tend(self, *, written: bool, at_once: bool = False) -> None:
        """Bring back whoever's time has come, and note who died by himself.

        written: all is; a writer may have ended.
        """
        for member in self.members:
            if member.died and not (written and member.role == "writer"):
                self.died.append(member.log.name)
                member.start()
            member.come_back(at_once=at_once)

    def end(self) -> list[str]:
        """Ask all to end. Returns: those who did not."""
        return [member.log.name for member in self.members if not member.end()]
