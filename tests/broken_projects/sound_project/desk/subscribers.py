"""A handler whose parameters are all filled."""

import carveout


class Ticket(carveout.Lookup, of="depot.ticket"):
    """A ticket, from a context that lives elsewhere."""

    number: str


@carveout.subscribe("desk.TicketOpened")
def file_ticket(event, ticket: Ticket): ...
