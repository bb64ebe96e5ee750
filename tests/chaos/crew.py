"""The processes of a run: they die, are paused, and are started again."""

import random
import signal
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from tests.nursery import Child, Clock, Nursery

END_TIMEOUT_S = 10.0
"""What the kit promises."""
WITHOUT_END = 1_000_000_000
Done = TypeVar("Done")


class Member:
    """One post, held by one process after the other."""

    def __init__(
        self, role: str, arguments: tuple[str, ...], nursery: Callable[[], Nursery], log: Path
    ) -> None:
        """nursery: gives the one that the next process is to come from."""
        self.role, self.log = role, log
        self._arguments, self._nursery = arguments, nursery
        self._clock: Clock | None = None
        self._child: Child | None = None
        self._back_at = 0.0
        self._end_by = 0.0
        """When it has to have ended; 0: nobody asked it to."""
        self._paused = False
        self.broken_off = 0
        """How many processes did not end of themselves or well: what they did was broken off."""

    @property
    def at_work(self) -> bool:
        idle = self._paused or self._end_by
        return self._child is not None and self._child.running and not idle

    def start(self) -> None:
        self._child = self._nursery().start(*self._arguments, log=self.log, clock=self._clock)
        self._clock = None

    def kill(self, away_s: float, clock: Clock | None = None) -> None:
        """clock: the next process in this post begins with a clock that is so wrong."""
        assert self._child
        self._clock = clock
        self._child.kill()
        self.broken_off += 1
        self._child, self._back_at = None, time.monotonic() + away_s

    def pause(self, away_s: float) -> None:
        assert self._child
        self._child.send_signal(signal.SIGSTOP)
        self._paused, self._back_at = True, time.monotonic() + away_s

    def ask_to_end(self) -> None:
        """When it has ended, another begins in its place."""
        if self._child and not self._end_by:
            self._child.terminate()
            self._end_by = time.monotonic() + END_TIMEOUT_S

    def come_back(self, *, at_once: bool = False) -> None:
        """Go on, or be started again, when it is time."""
        if self._child and self._end_by and not self._child.running:
            self.broken_off += self._child.poll() != 0
            self._child, self._end_by = None, 0.0
        if time.monotonic() < self._back_at and not at_once:
            return
        if self._child is None:
            self.start()
        elif self._paused:
            self._go_on(self._child)

    def resume(self) -> None:
        """Go on after a pause, when it is time. Nobody is started."""
        if self._child and self._paused and time.monotonic() >= self._back_at:
            self._go_on(self._child)

    def _go_on(self, child: Child) -> None:
        child.send_signal(signal.SIGCONT)
        self._paused = False

    @property
    def died(self) -> bool:
        """Did it end although nobody killed it, or asked it to?"""
        return self._child is not None and not self._child.running and not self._end_by

    def late(self) -> bool:
        """Should it have ended by now? Then it tells what it does, and is killed."""
        if not (self._child and self._end_by and self._child.running):
            return False
        if time.monotonic() < self._end_by:
            return False
        self._child.show_stacks()
        self._child.kill()
        return True

    def end(self) -> bool:
        """Ask it to end, and wait. Returns: did it, in time?"""
        self.ask_to_end()
        late = False
        while self._child and self._child.running and not late:
            time.sleep(0.005)
            late = self.late()
        self._child, self._end_by = None, 0.0
        return not late


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
        nursery: Nursery | Callable[[], Nursery],
        folder: Path,
        pace_s: float = 0.0,
        sizes: Mapping[str, int] = SIZES,
    ) -> None:
        writer = ("write", str(WITHOUT_END), f"--pace={pace_s}")
        self._commands = {**self.COMMANDS, "writer": writer}
        self._nursery = (lambda: nursery) if isinstance(nursery, Nursery) else nursery
        self._folder = folder
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

    def tend(self, *, at_once: bool = False) -> None:
        """Bring back whoever's time has come, and note who died by himself."""
        for member in self.members:
            if member.died:
                self.died.append(member.log.name)
                member.start()
            if member.late():
                self._note_late(member)
            member.come_back(at_once=at_once)

    def meanwhile(self, work: Callable[[], Done], timeout_s: float) -> Done:
        """Do work that may wait for a lock. Who is paused and holds it goes on in time."""
        pool = ThreadPoolExecutor(1)
        doing, deadline = pool.submit(work), time.monotonic() + timeout_s
        while not doing.done() and time.monotonic() < deadline:
            for member in self.members:
                member.resume()
            time.sleep(0.005)
        pool.shutdown(wait=False)
        return doing.result(0)

    def stop_writing(self) -> None:
        """Ask the writers to end, for good."""
        for writer in self.of("writer"):
            self.members.remove(writer)
            if not writer.end():
                self._note_late(writer)

    def _note_late(self, member: Member) -> None:
        self.died.append(f"{member.log.name} (did not end on SIGTERM)")

    def renew(self) -> None:
        """Let all make place for processes of the release that is current now."""
        for member in self.members:
            member.ask_to_end()

    def end(self) -> list[str]:
        """Ask all to end. Returns: those who did not."""
        return [member.log.name for member in self.members if not member.end()]
