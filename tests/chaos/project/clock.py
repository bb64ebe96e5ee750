"""A clock that is wrong for a while and then right; of all things only the clock is a mock."""

import datetime
import time
from types import SimpleNamespace


def go_wrong(off_s: float, for_s: float) -> None:
    """From now on this process's clock is so far ahead or behind, for so many real seconds."""
    right_at, true_time = time.monotonic() + for_s, time.time

    def off() -> float:
        return off_s if time.monotonic() < right_at else 0.0

    class Shifted(datetime.datetime):
        """Only `now` differs, and what it gives is an ordinary datetime."""

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
            return _true.now(tz) + datetime.timedelta(seconds=off())

    _true = datetime.datetime
    time.time = lambda: true_time() + off()

    from django.utils import timezone
    from rq import utils

    timezone.datetime = Shifted  # type: ignore[attr-defined]
    utils.datetime = SimpleNamespace(**{**vars(datetime), "datetime": Shifted})  # type: ignore
