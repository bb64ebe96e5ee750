"""Reads how each seam handles its calls, at most once a second in each process."""

import logging
import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from django.core.signals import setting_changed
from django.db import connections, transaction
from django.utils import timezone

from carveout.conf import get_settings
from carveout.models import Seam
from carveout.seams import unhandled

logger = logging.getLogger(__name__)

READ_EVERY_S = 1.0
"""How long a process uses what it read. All processes follow a switch within five seconds."""
DRAIN_AT_LEAST_S = 60.0
"""How long after a switch a transaction that began before it may still publish events."""

DIRECT, SHADOW, EVENTS = (
    each.value for each in (Seam.Mode.DIRECT, Seam.Mode.SHADOW, Seam.Mode.EVENTS)
)


@dataclass(frozen=True)
class SeamState:
    """How a seam handles its calls, as this process knows it."""

    mode: str = DIRECT
    share: int = 100
    """Percent of the keys that the mode applies to."""
    version: int = 0
    draining: bool = False
    """Whether keys that are direct now may have unhandled events."""
    fresh_until: float = 0.0

    @property
    def only_calls(self) -> bool:
        """Whether every call runs as before, whatever its key."""
        return self.mode == DIRECT and not self.draining

    @property
    def only_shadow(self) -> bool:
        """Whether every call runs, and some are compared with their events."""
        return self.mode == SHADOW and not self.draining


_known: dict[str, SeamState] = {}
_drained: dict[str, int] = {}
"""By seam: the version of the switch whose keys have no unhandled events any more."""


def current(seam: str) -> SeamState:
    """The state of a seam. Never raises: what can't be read stays as it was, at first direct."""
    known = _known.get(seam)
    if known is not None and time.monotonic() < known.fresh_until:
        return known
    return _read_again(seam, known or SeamState())


def forget() -> None:
    """Read every seam again at its next call."""
    _known.clear()
    _drained.clear()


def _read_again(seam: str, known: SeamState) -> SeamState:
    until = time.monotonic() + READ_EVERY_S
    if seam in _known:  # other threads use the old state meanwhile
        _known[seam] = replace(known, fresh_until=until)
    try:
        state = _fixed(seam) or replace(_read(seam, known), fresh_until=until)
    except Exception as error:  # the call must run, whatever happens here
        logger.warning("Seam %s stays %s: its mode can't be read: %r", seam, known.mode, error)
        state = replace(known, fresh_until=until)
    _known[seam] = state
    return state


def _fixed(seam: str) -> SeamState | None:
    """The mode that the settings fix for tests. Deliveries in process are only for tests too."""
    settings = get_settings()
    modes = settings.seams
    mode = modes if isinstance(modes, str) else modes.get(seam)
    if mode is None and settings.uses_redis:
        return None
    return SeamState(mode or DIRECT, fresh_until=inf)


def _read(seam: str, known: SeamState) -> SeamState:
    database = database_of(seam)
    connection = connections[database]
    if any(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
        return known  # no query of ours among those that a test may count
    savepoint = transaction.atomic(using=database) if connection.in_atomic_block else nullcontext()
    with savepoint:  # a failed query would end the caller's transaction
        row = Seam.objects.using(database).filter(name=seam).first()
        if row is None or row.version < known.version:  # this transaction sees an older state
            return known
        return SeamState(row.mode, row.share, row.version, _drains(row))


def _drains(row: Seam) -> bool:
    if not row.draining or _drained.get(row.name) == row.version:
        return False
    age_s = (timezone.now() - row.changed_at).total_seconds()
    if age_s < DRAIN_AT_LEAST_S or unhandled.any_left(row.name):
        return True
    _drained[row.name] = row.version
    return False


def database_of(seam: str) -> str:
    """The database of the context that a seam is named after.

    Raises: KeyError: no context has that name.
    """
    return get_settings().database_of(seam.partition(".")[0])


def _settings_changed(*, setting: str, **_: Any) -> None:
    if setting == "CARVEOUT":
        forget()


setting_changed.connect(_settings_changed)
