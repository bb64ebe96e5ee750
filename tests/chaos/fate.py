"""Which handler misbehaves at which entry, and how. The project and the checker agree on it.

A seed, a subscription and an entry decide, so each process comes to the same answer.
"""

import random

HARMLESS = ("own savepoint", "failing hook", "writes elsewhere")
"""What a handler may do. Its effects are there once all the same, and it does so at each call."""
BOUNDED = (
    "swallows",
    "sets rollback",
    "closes",
    "closes all",
    "exits",
    "interrupts",
    "says nul",
    "says surrogate",
    "can't say",
    "long name",
    "coroutine",
    "oversleeps",
    "hangs in sql",
    "catches its time-out",
)
"""What fails an attempt. It stops after so many calls, and then the effects have to be there."""
CALLS = 4
"""More than one attempt makes: a batch is called as a whole, a few at a time, and one by one."""

OWN_ERROR = {
    "swallows": ("HandlerMisbehaved", "TransactionManagementError"),
    "sets rollback": ("HandlerMisbehaved", "TransactionManagementError"),
    "closes": ("HandlerMisbehaved",),
    "exits": ("HandlerMisbehaved",),
    "says nul": ("ValueError",),
    "says surrogate": ("ValueError",),
    "can't say": ("Silent",),
    "long name": ("LongName",),
    "coroutine": ("HandlerMisbehaved",),
    "oversleeps": ("HandlerTimedOut",),
}
"""Ways to fail at each attempt, and what the type of the delivery's error begins with then."""

SHARE = 0.003
"""Of the entries that a subscription hears, so many have a fate."""
DOOMED_SHARE = 0.1


def fate(seed: str, subscription: str, key: str, number: int) -> str:
    """How the handler misbehaves at an entry; empty: it does not."""
    ways, share = HARMLESS + BOUNDED, SHARE
    if subscription == "doomed":
        ways, share = tuple(OWN_ERROR), DOOMED_SHARE
    draw = random.Random(f"{seed} {subscription} {key} {number}")
    return draw.choice(ways) if draw.random() < share else ""
