"""No test, whatever its name begins with."""

import carveout


@carveout.upcast("desk.TicketOpened", version=1)
def add_praise(data): ...
