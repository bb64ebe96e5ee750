"""Handlers of an event and of a context that do not exist."""

import carveout


@carveout.subscribe("desk.TicketOpend")
def file_ticket(event): ...


@carveout.subscribe("depo.BoxMoved")
def look_for_box(event): ...
