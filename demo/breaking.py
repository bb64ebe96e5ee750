"""Stops a part while customers order, here and in the tangled shop, and shows what it did."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from carveout.conf import get_settings
from carveout.errors import CarveoutError
from carveout.management.development_system import System
from carveout.models import LoggedEvent
from carveout.subscriptions.status import statuses
from demo import outage
from demo.shopper import Shopper
from demo.tangled import Tangled
from demo.traffic import Answers, Traffic
from orders.models import Order, Status

PER_SECOND = 3.0
CALM_S = 5.0
"""How long customers order before and after the outage, at most."""
PATIENCE_S = 60.0
"""How long nothing may change while something waits."""
PHASES = ("before", "during", "after", "in the end")
UNKNOWN_TO_TANGLED = ("redis", "relay")
"""Parts that the tangled shop does not have."""


class NotAsExpected(CarveoutError):
    """An order was lost, an effect is missing, or the outage changed nothing."""


@dataclass(frozen=True)
class Waiting:
    """What is not done yet, at one moment."""

    emails: int
    texts: int
    events: int
    oldest_s: float
    """How long the oldest event has waited; 0 if none waits."""

    @property
    def count(self) -> int:
        return self.emails + self.texts + self.events


@dataclass(frozen=True)
class Phase:
    """The orders of a phase, in both shops, and what waits at its end."""

    carved: Answers
    tangled: Answers
    waiting: Waiting


class Outage:
    """One part's outage, from the calm seconds before it until everything has arrived."""

    def __init__(
        self, part: str, for_s: float, system: System, tangled: Tangled, customer: Shopper
    ) -> None:
        self.part, self.for_s, self.calm_s = part, for_s, min(CALM_S, for_s)
        self.system, self.tangled, self.customer = system, tangled, customer
        self.phases: dict[str, Phase] = {}

    def run(self) -> None:
        """Raises: NotAsExpected: something waits, and for a minute nothing has arrived."""
        here = Traffic(self.customer.order, PER_SECOND)
        there = Traffic(self.tangled.order, PER_SECOND)
        try:
            self._pass(self.calm_s, "before", here, there)
            repairs = [outage.stop(self.part, self.system), self.tangled.stop(self.part)]
            self._pass(self.for_s, "during", here, there)
            for repair in repairs:
                repair()
            self._pass(self.calm_s, "after", here, there)
        finally:
            here.stop()
            there.stop()
        self._wait()
        self._pass(0, "in the end", here, there)

    def _pass(self, seconds: float, name: str, here: Traffic, there: Traffic) -> None:
        time.sleep(seconds)
        self.system.check()
        left = waiting(self.system.mail_dir)
        self.phases[name] = Phase(here.answers(), there.answers(), left)

    def _wait(self) -> None:
        left, since = waiting(self.system.mail_dir), time.monotonic()
        while left.count:
            if time.monotonic() - since > PATIENCE_S:
                raise NotAsExpected(
                    f"For {PATIENCE_S:.0f} s nothing has arrived, but waits: {left}"
                )
            time.sleep(0.5)
            now = waiting(self.system.mail_dir)
            since = time.monotonic() if now.count != left.count else since
            left = now

    # -- What came of it -----------------------------------------------------------------------

    def table(self) -> Iterator[str]:
        """A row for each number, with a column for each phase."""
        phases = [self.phases[name] for name in PHASES]
        yield line(f"{self.part} stopped", PHASES)
        yield from answered("carved", [each.carved for each in phases])
        left = [each.waiting for each in phases]
        yield line("  e-mails waiting", [each.emails for each in left])
        yield line("  SMS waiting", [each.texts for each in left])
        yield line("  events waiting", [each.events for each in left])
        yield line("  oldest waiting event", [f"{each.oldest_s:.1f} s" for each in left])
        yield from answered("tangled", [each.tangled for each in phases])

    def faults(self) -> Iterator[str]:
        """What is not as it should be; nothing, if all is well."""
        during = self.phases["during"]
        if lost := sum(each.carved.lost for each in self.phases.values()):
            yield f"{lost} orders were lost"
        if not getattr(during.waiting, WAITS[self.part]):
            yield f"no {WAITS[self.part]} waited during the outage"
        if missing := Order.objects.exclude(status=Status.RESERVED).count():
            yield f"{missing} orders have no stock reserved"
        if self.phases["before"].tangled.lost:
            yield "the tangled shop lost orders before the outage"
        if self.part not in UNKNOWN_TO_TANGLED and not during.tangled.lost:
            yield "the tangled shop lost no order"


WAITS = {**dict.fromkeys(outage.PARTS, "events"), "mail": "emails", "sms": "texts"}
"""By part: what has to wait while it is down."""


def answered(shop: str, answers: list[Answers]) -> Iterator[str]:
    yield line(f"{shop}: orders taken", [each.taken for each in answers])
    yield line("  orders lost", [each.lost for each in answers])
    yield line("  slowest answer", [f"{each.slowest_s:.1f} s" for each in answers])


def line(name: str, cells: list[object] | tuple[str, ...]) -> str:
    return f"{name:28}" + "".join(f"{cell!s:>12}" for cell in cells)


def waiting(mail_dir: Path) -> Waiting:
    """What waits now, for all orders that were ever taken."""
    folder = settings.NOTIFICATIONS_SMS_DIR
    kept = [each for place in (folder, outage.away(folder)) for each in place.glob("*.txt")]
    texts = {each.name.partition("-")[2] for each in kept}
    found = statuses(get_settings().hosted, count_deliveries=False)
    unpublished = LoggedEvent.objects.filter(position=None).order_by("pk")
    first = unpublished.first()
    oldest = [each.oldest for each in found if each.oldest] + ([first.time] if first else [])
    return Waiting(
        emails=Order.objects.count() - len(message_ids(mail_dir)),
        texts=Order.objects.exclude(phone="").count() - len(texts),
        events=sum(each.lag or 0 for each in found) + unpublished.count(),
        oldest_s=(timezone.now() - min(oldest)).total_seconds() if oldest else 0.0,
    )


def message_ids(mail_dir: Path) -> set[str]:
    """A message that came twice has the same id."""
    return {
        next(row for row in each.read_text("utf-8").splitlines() if row.startswith("Message-ID:"))
        for each in mail_dir.glob("*.eml")
    }
