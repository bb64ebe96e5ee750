"""Counts of what happens at run time, kept in Redis for whoever wants to see them."""

from carveout.conf import get_settings
from carveout.connection import impatient_client
from carveout.notice import tell

LOOKUPS = "carveout:tally:lookups"


def count_lookup(caller: str, of: str, requests: int = 1) -> None:
    """Count one request of a lookup. A count may be lost; an order never waits for it."""
    if get_settings().delivery != "inline":
        tell("HINCRBY", LOOKUPS, f"{caller} {of}", requests)


def lookups() -> dict[str, int]:
    """Requests by "reader lookup" since the counts were last cleared."""
    counts = impatient_client().hgetall(LOOKUPS)
    return {name.decode(): int(count) for name, count in counts.items()}
