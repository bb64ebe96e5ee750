"""A handler that no consumer ever ran; another one listens that is not declared."""

import carveout


@carveout.subscribe("desk.TicketOpened")
def pack(event): ...
