"""What tests declare is theirs."""

import carveout


@carveout.subscribe("desk.TicketOpened")
def remember(event): ...
