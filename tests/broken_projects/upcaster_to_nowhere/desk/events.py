"""Upcasters that lead too far, and one that leads nowhere."""

import carveout


class TicketOpened(carveout.Event, key="number"):
    """Somebody asked for help."""

    number: str


class TicketClosed(carveout.Event, key="number", version=3):
    """Somebody was helped."""

    number: str
    by: str


@carveout.upcast("desk.TicketOpened", version=1)
def add_subject(data):
    return {**data, "subject": ""}


@carveout.upcast("desk.TicketClosed", version=1)
def add_helper(data):
    return {**data, "by": ""}
