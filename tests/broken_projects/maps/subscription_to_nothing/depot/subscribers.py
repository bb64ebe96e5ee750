"""Handlers of events that nobody announces."""

import carveout


@carveout.subscribe("desk.TicketOpened", "desk.TicketOpend")
def pack(event): ...


@carveout.subscribe(
    "desks.TicketOpened",
    ordered=True,
)
def unpack(event): ...
