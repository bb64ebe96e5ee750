"""Of an app that is in no context."""

import carveout


@carveout.subscribe("desk.TicketOpened")
def wander(event): ...
