"""What the engine's loops report: each call notes one fact, in counters and traces as it fits.

No call waits for Redis or fails; `flush` sends what was noted.
"""

from collections import Counter
from collections.abc import Iterable

from carveout.events.event import PartitionRef, ReceivedEvent
from carveout.telemetry import batch_traces, counters
from carveout.telemetry.notes import RunNotes


def published(types: Iterable[str], cause: ReceivedEvent | None) -> None:
    """Events were published, possibly by the handler of another event."""
    if cause:
        for name in types:
            counters.increment("caused", f"{cause.type} {name}")


def sequenced(types: Iterable[str]) -> None:
    """Events of these types got their positions."""
    for name, number in Counter(types).items():
        counters.increment("logged", name, number)


def handled(
    subscription: str,
    ref: PartitionRef,
    positions: range,
    times: tuple[float, float],
    types: Iterable[str],
    run_notes: RunNotes,
) -> None:
    """A subscription's cursor passed events of these types, in one batch.

    times: when the batch began and was committed, in seconds since 1970.
    """
    batch_traces.record(subscription, ref, positions, times, run_notes)
    for name, number in Counter(types).items():
        counters.increment("heard", f"{subscription} {name}", number)


def failed(subscription: str, type_: str) -> None:
    """An attempt at an event failed."""
    counters.increment("failed", f"{subscription} {type_}")


def delivered(subscription: str, type_: str) -> None:
    """A parked delivery was handled."""
    counters.increment("done", f"{subscription} {type_}")


def left_to_others(subscription: str) -> None:
    """A job came for a subscription that this worker does not declare."""
    counters.increment("unknown", subscription)


def flush() -> None:
    """Send what was noted."""
    counters.flush()
    batch_traces.flush()
