"""What the depot hears."""

import carveout
from depot.lookups import Ticket


@carveout.subscribe("desk.TicketOpened")
def pack(event, ticket: Ticket): ...
